namespace Pique.Configuration;

/// <summary>A configuration is wrong; holds every fault that was found in it.</summary>
public sealed class ConfigurationException : InputException
{
    /// <summary>Creates the error.</summary>
    /// <param name="source">The file, preset or argument at fault.</param>
    /// <param name="faults">Every fault, at least one.</param>
    public ConfigurationException(string source, IReadOnlyList<ConfigurationFault> faults) : base(Describe(source, faults))
    {
        Faults = faults;
    }

    /// <summary>Every fault, in the order of the fields.</summary>
    public IReadOnlyList<ConfigurationFault> Faults { get; }

    private static string Describe(string source, IReadOnlyList<ConfigurationFault> faults) =>
        faults.Count == 1
            ? $"{source}: {faults[0]}"
            : $"{source}: {faults.Count} faults{string.Concat(faults.Select(fault => $"\n  {fault}"))}";
}
