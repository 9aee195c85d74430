namespace Pique.Configuration;

/// <summary>What a document says, and all that is wrong with it.</summary>
/// <typeparam name="T">The configuration.</typeparam>
/// <param name="Value">The configuration, valid or not; null where the document could not be read as one.</param>
/// <param name="Faults">Every fault of form and of value, in reading order; none where the configuration may be used.</param>
public sealed record ConfigurationReading<T>(T? Value, IReadOnlyList<ConfigurationFault> Faults) where T : class
{
    /// <summary>The configuration, once it is certain that it may be used.</summary>
    /// <param name="source">The file or argument it came from, for the message.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ConfigurationException">There is at least one fault.</exception>
    public T ValueOrThrow(string source) => Faults.Count == 0 && Value is not null ? Value : throw new ConfigurationException(source, Faults);
}
