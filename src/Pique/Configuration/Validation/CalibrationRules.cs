using System.Globalization;

namespace Pique.Configuration;

/// <summary>The valid values of a recipe's calibration, and of the bits that calibration is to choose.</summary>
internal static class CalibrationRules
{
    /// <summary>Fewest and most bits that calibration chooses from.</summary>
    private const int FewestBits = 2, MostBits = 8;

    public static void Check(CalibrationRecipe calibration, RuleChecker rules)
    {
        if (calibration.Samples is { } samples)
        {
            CheckSamples(samples, rules.Within("samples"));
        }

        CheckShare("percentile", calibration.Percentile, rules);
        CheckShare("damping", calibration.Damping, rules);
        if (calibration.Artifact is not null)
        {
            rules.FilePath("artifact", calibration.Artifact, "the path of a calibration.json, or null to calibrate");
        }
    }

    /// <summary>Checks an average that calibration is to divide over layers.</summary>
    public static void CheckAverage(LayerOverride layers, RuleChecker rules)
    {
        if (layers.AverageBits is not { } average)
        {
            return;
        }

        if (layers.Bits is not null)
        {
            rules.Reject("bits", "a number beside an average", "one of them", "remove one");
        }

        if (!(average is >= FewestBits and <= MostBits))
        {
            rules.Reject("bits", $"an average of {average.ToString(CultureInfo.InvariantCulture)}", $"an average of {FewestBits} to {MostBits}", "set it to a value within, as \"auto:2.5\"");
        }
    }

    private static void CheckSamples(CalibrationSampleCounts samples, RuleChecker rules)
    {
        rules.AtLeast("general", samples.General, 0);
        rules.AtLeast("reasoning", samples.Reasoning, 0);
        rules.AtLeast("tool_use", samples.ToolUse, 0);
        rules.AtLeast("code", samples.Code, 0);
        if (samples is { General: 0, Reasoning: 0, ToolUse: 0, Code: 0 })
        {
            rules.Reject("", "no samples of any domain", "one sample or more", "set general, reasoning, tool_use or code, or set samples to null");
        }
    }

    private static void CheckShare(string field, float value, RuleChecker rules)
    {
        if (!(value is > 0 and <= 1))
        {
            rules.Reject(field, float.IsFinite(value) ? SerdeFloat.Format(value) : value.ToString(CultureInfo.InvariantCulture), "a share greater than 0.0, at most 1.0", "set it to a value within");
        }
    }
}
