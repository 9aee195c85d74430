using Pique.Configuration;
using Pique.Evaluation;

namespace Pique.Benchmarks.Calibration;

/// <summary>Every method of calibration on several grids, without training.</summary>
internal static class MethodStudy
{
    private static readonly (string Name, QatConfig Config)[] Grids =
    [
        ("2 bits, per row", Config(2, new QuantGranularity.PerChannel())),
        ("2 bits, per block of 32", Config(2, new QuantGranularity.PerBlock(32))),
        ("3 bits, per row", Config(3, new QuantGranularity.PerChannel())),
        ("4 bits, per row", Config(4, new QuantGranularity.PerChannel())),
    ];

    private static readonly (string Name, CalibrationRecipe Recipe)[] Methods =
    [
        ("rtn", new() { Method = CalibrationMethod.Rtn }),
        ("percentile 0.999", new() { Method = CalibrationMethod.Percentile }),
        ("entropy", new() { Method = CalibrationMethod.Entropy }),
        ("mse", new() { Method = CalibrationMethod.Mse, Weighted = false }),
        ("mse, weighted", new() { Method = CalibrationMethod.Mse, Weighted = true }),
        ("gptq", new() { Method = CalibrationMethod.Gptq, Weighted = false }),
        ("gptq, weighted, columns in their order", new() { Method = CalibrationMethod.Gptq, Weighted = true, ActivationOrder = false }),
        ("gptq, weighted", new() { Method = CalibrationMethod.Gptq, Weighted = true }),
    ];

    /// <summary>Measures every method on every grid.</summary>
    public static IEnumerable<CalibrationRow> Run(CalibratedStudyModel model)
    {
        foreach ((string grid, QatConfig config) in Grids)
        {
            foreach ((string method, CalibrationRecipe calibration) in Methods)
            {
                LanguageModelQuality quality = model.Measure(model.Study.Recipe with { Qat = config, Calibration = calibration });
                yield return new(grid, method, quality.Perplexity, quality.Teacher!.KlDivergence);
            }
        }
    }

    private static QatConfig Config(int bits, QuantGranularity granularity) => new() { Bits = bits, Granularity = granularity, SteVariant = new SteVariant.LearnedStepSize() };
}
