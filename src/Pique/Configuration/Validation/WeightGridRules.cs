using System.Globalization;

namespace Pique.Configuration;

/// <summary>The valid choices of grid and estimator that a recipe adds to its configuration.</summary>
internal static class WeightGridRules
{
    /// <summary>Where scales of two levels exist, in words.</summary>
    private const string TwoLevelBlocks = "PerBlock 32 at 2 to 5 bits or PerBlock 16 at 2 or 3";

    public static void Check(Recipe recipe, RuleChecker rules)
    {
        CheckGrid(recipe.Grid, recipe.Qat, rules);
        CheckEstimator(recipe.Estimator, rules);
        if (recipe.PiKPerChannel && recipe.Qat.PiK is null)
        {
            rules.Reject("pi_k_per_channel", "true without qat.pi_k", "a pi grid whose k is to be chosen", "set qat.pi_k to 2, 3, 4 or 5, or pi_k_per_channel to false");
        }

        rules.NotNegative("oscillation_dampening", recipe.OscillationDampening);
    }

    /// <summary>Checks that the layers of an override, which keep the recipe's grid unless it states bits, have that grid.</summary>
    public static void CheckOverride(Recipe recipe, LayerOverride layers, RuleChecker rules)
    {
        bool keepsTwoLevels = recipe is { Grid: WeightGrid.TwoLevel, Qat.Bits: >= 2 and <= 5 } && layers is { Bits: null, AverageBits: null, FullPrecision: false };
        if (keepsTwoLevels && layers.Granularity is { } granularity && !HasTwoLevels(recipe.Qat.Bits, granularity))
        {
            rules.Reject("granularity", Text($"{NameOf(granularity)} at {recipe.Qat.Bits} bits on the two-level grid"), TwoLevelBlocks, "choose such a granularity, or state bits as well, which takes the layers off that grid");
        }
    }

    /// <summary>Whether a K-quant of so many bits has blocks of this granularity.</summary>
    public static bool HasTwoLevels(int bits, QuantGranularity granularity) => granularity is QuantGranularity.PerBlock block && block.BlockSize switch
    {
        32 => bits is >= 2 and <= 5,
        16 => bits is 2 or 3,
        _ => false,
    };

    private static void CheckGrid(WeightGrid grid, QatConfig qat, RuleChecker rules)
    {
        if (grid != WeightGrid.Auto && !qat.Symmetric)
        {
            rules.Reject("grid", $"\"{SnakeCase.Of(grid)}\" with qat.symmetric false", "\"auto\", or a symmetric configuration", "set qat.symmetric to true, or grid to \"auto\" for the affine grid");
        }

        if (grid == WeightGrid.TwoLevel && qat.Bits is 2 or 3 or 4 or 5 or 8 && !HasTwoLevels(qat.Bits, qat.Granularity))
        {
            string fix = qat.Bits == 8 ? "set qat.bits to 5 or less" : "set qat.granularity to {\"PerBlock\": {\"block_size\": 32}}";
            rules.Reject("grid", Text($"\"two_level\" at {qat.Bits} bits, {NameOf(qat.Granularity)}"), TwoLevelBlocks, $"{fix}, or choose another grid");
        }
    }

    private static void CheckEstimator(SteVariant? estimator, RuleChecker rules)
    {
        switch (estimator)
        {
            case null:
                break;
            case SteVariant.EwgsSigned signed:
                rules.Within("estimator").Within("EwgsSigned").NotNegative("delta", signed.Delta);
                break;
            default:
                string name = estimator.GetType().Name;
                rules.Reject("estimator", $"\"{name}\"", VariantJson.EstimatorForms, VariantJson.EstimatorFix(name));
                break;
        }
    }

    private static string NameOf(QuantGranularity granularity) =>
        granularity is QuantGranularity.PerBlock block ? Text($"PerBlock {block.BlockSize}") : granularity.GetType().Name;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
