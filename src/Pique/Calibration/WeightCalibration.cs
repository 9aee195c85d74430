using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Finds the scales of a model's weights from the weights alone.</summary>
public static class WeightCalibration
{
    /// <summary>Finds the scales of every layer the policy names.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <param name="policy">How each layer's weight is quantized; null leaves it out.</param>
    /// <param name="method">How scales are found.</param>
    /// <param name="config">The configuration, for the record.</param>
    /// <param name="seed">Seed of the run, for the record: the search itself draws nothing.</param>
    /// <param name="clock">Gives the timestamp.</param>
    /// <param name="stored">Weights that the model was stored with, by layer name: where one lies on the grid that the policy asks for, its own scales are taken over, so that training goes on from it. Null for a model in full precision.</param>
    /// <returns>The artifact.</returns>
    /// <exception cref="InputException">A weight is no matrix or not finite.</exception>
    public static CalibrationArtifact Run(
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        Func<string, WeightQuantizationSpec?> policy,
        CalibrationMethod method,
        QatConfig config,
        long seed,
        TimeProvider clock,
        IReadOnlyDictionary<string, QuantizedTensor>? stored = null)
    {
        ArgumentNullException.ThrowIfNull(clock);
        List<KeyValuePair<string, CalibratedTensor>> tensors = [];
        foreach ((string name, IQuantizableLayer layer) in layers)
        {
            if (policy(name) is { } spec)
                tensors.Add(new(name, StoredScales(stored?.GetValueOrDefault(name), spec) ?? Calibrate(name, layer, spec, method.ToScaleMethod())));
        }

        return new()
        {
            Method = method,
            Seed = seed,
            Timestamp = clock.GetUtcNow(),
            Config = config,
            Tensors = tensors,
        };
    }

    private static CalibratedTensor Calibrate(string name, IQuantizableLayer layer, WeightQuantizationSpec spec, ScaleMethod method)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = layer.LatentWeight();
        using FakeQuantizer quantizer = FakeQuantizer.Create(name, spec, weight, method);
        QuantizedTensor quantized = quantizer.Quantize(weight);
        double sqnr = QuantizationError.Measure(weight, quantized.Dequantize()).SqnrDecibels;
        return ScalesOf(quantized, double.IsFinite(sqnr) ? sqnr : null);
    }

    /// <summary>The scales a weight is stored with; null where it is stored on another grid, or on none. Nothing is lost at them.</summary>
    private static CalibratedTensor? StoredScales(QuantizedTensor? stored, WeightQuantizationSpec spec) =>
        stored is not null && (stored.Grid, stored.Granularity, stored.SubScales is not null) == (spec.Grid, spec.Granularity, spec.TwoLevelScales) && !spec.PiKPerChannel
            ? ScalesOf(stored, sqnrDecibels: null)
            : null;

    private static CalibratedTensor ScalesOf(QuantizedTensor quantized, double? sqnrDecibels) => new(
        quantized.Bits,
        quantized.Rows,
        quantized.Columns,
        quantized.Layout.ScaleShape,
        [.. Enumerable.Range(0, checked((int)quantized.Layout.GroupCount)).Select(group => quantized.ScaleOf(group))],
        quantized.ZeroPoints?.ToArray(),
        sqnrDecibels)
    {
        Kind = quantized.Grid.Kind,
        TwoLevelScales = quantized.SubScales is not null,
    };
}
