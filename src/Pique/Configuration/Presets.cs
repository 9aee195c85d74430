using System.Diagnostics.CodeAnalysis;

namespace Pique.Configuration;

/// <summary>Configurations that have a name; a name works wherever a configuration file does.</summary>
public static class Presets
{
    private static readonly Dictionary<string, QatConfig> ByName = new(StringComparer.OrdinalIgnoreCase)
    {
        ["default"] = QatConfig.Default,
        ["piq3"] = QatConfig.PiQ3,
        ["piq2"] = QatConfig.PiQ2,
        ["bits2"] = QatConfig.WithBits(2),
        ["bits3"] = QatConfig.WithBits(3),
        ["bits4"] = QatConfig.WithBits(4),
        ["bits5"] = QatConfig.WithBits(5),
        ["bits8"] = QatConfig.WithBits(8),
    };

    /// <summary>Every preset's name, in documentation order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ByName.Keys];

    /// <summary>Finds a preset.</summary>
    /// <param name="name">Its name, in any case.</param>
    /// <param name="config">The configuration, where there is one of that name.</param>
    /// <returns>Whether there is.</returns>
    public static bool TryGet(string name, [NotNullWhen(true)] out QatConfig? config) => ByName.TryGetValue(name, out config);
}
