using System.CommandLine;
using System.CommandLine.Parsing;
using Pique.Configuration;

namespace Pique.Cli;

/// <summary>The option --grid of the commands that quantize, written as recipes write their "grid".</summary>
internal static class GridOption
{
    /// <summary>The grids by their names in a recipe.</summary>
    public static IReadOnlyDictionary<string, WeightGrid> Grids { get; } = Enum.GetValues<WeightGrid>().ToDictionary(SnakeCase.Of);

    /// <summary>Makes the option; its value is null where it is not given.</summary>
    /// <param name="fallback">What applies then, for the help.</param>
    public static Option<WeightGrid?> Create(string fallback) => new("--grid")
    {
        Description = $"Where the levels of the weights lie [default: {fallback}].",
        HelpName = string.Join('|', Grids.Keys),
        CustomParser = Parse,
    };

    private static WeightGrid? Parse(ArgumentResult argument)
    {
        string name = argument.Tokens[0].Value;
        if (Grids.TryGetValue(name, out WeightGrid grid))
        {
            return grid;
        }

        argument.AddError($"--grid: found {name}, expected one of {string.Join(", ", Grids.Keys)}. Write one of them.");
        return null;
    }
}
