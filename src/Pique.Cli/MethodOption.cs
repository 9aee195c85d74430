using System.CommandLine;
using System.CommandLine.Parsing;
using Pique.Configuration;

namespace Pique.Cli;

/// <summary>The option --method of the commands that calibrate, written as recipes write their "method".</summary>
internal static class MethodOption
{
    /// <summary>What rtn was called before there were other methods.</summary>
    private const string FormerRtn = "absmax";

    /// <summary>The methods by their names in a recipe.</summary>
    public static IReadOnlyDictionary<string, CalibrationMethod> Methods { get; } = Enum.GetValues<CalibrationMethod>().ToDictionary(SnakeCase.Of);

    /// <summary>Makes the option; its value is null where it is not given.</summary>
    /// <param name="fallback">What applies then, for the help.</param>
    public static Option<CalibrationMethod?> Create(string fallback) => new("--method")
    {
        Description = $"How scales and codes are found [default: {fallback}].",
        HelpName = string.Join('|', Methods.Keys),
        CustomParser = Parse,
    };

    private static CalibrationMethod? Parse(ArgumentResult argument)
    {
        string name = argument.Tokens[0].Value;
        if (name == FormerRtn)
        {
            return CalibrationMethod.Rtn;
        }

        if (Methods.TryGetValue(name, out CalibrationMethod method))
        {
            return method;
        }

        argument.AddError($"--method: found {name}, expected one of {string.Join(", ", Methods.Keys)}. Write one of them.");
        return null;
    }
}
