using System.Collections.ObjectModel;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Finds the scales of a model's weights.</summary>
public static class WeightCalibration
{
    /// <summary>Finds the scales of every layer the policy names from the weights alone.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <param name="policy">How each layer's weight is quantized; null leaves it out.</param>
    /// <param name="method">How scales are found; <see cref="CalibrationMethod.Gptq"/> needs data, see <see cref="CalibrationRun"/>.</param>
    /// <param name="config">The configuration, for the record.</param>
    /// <param name="seed">Seed of the run, for the record: the search itself draws nothing.</param>
    /// <param name="clock">Gives the timestamp.</param>
    /// <param name="stored">Weights that the model was stored with, by layer name: where one lies on the grid that the policy asks for, its own scales are taken over, so that training goes on from it. Null for a model in full precision.</param>
    /// <param name="percentile">Share of magnitudes within the range, for <see cref="CalibrationMethod.Percentile"/>.</param>
    /// <returns>The artifact.</returns>
    /// <exception cref="InputException">A weight is no matrix or not finite.</exception>
    public static CalibrationArtifact Run(
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        Func<string, WeightQuantizationSpec?> policy,
        CalibrationMethod method,
        QatConfig config,
        long seed,
        TimeProvider clock,
        IReadOnlyDictionary<string, QuantizedTensor>? stored = null,
        float percentile = CalibrationRecipe.DefaultPercentile)
    {
        ArgumentNullException.ThrowIfNull(clock);
        if (method == CalibrationMethod.Gptq)
            throw new ArgumentException("Second-order rounding needs data.", nameof(method));
        return new()
        {
            Method = method,
            Seed = seed,
            Timestamp = clock.GetUtcNow(),
            Config = config,
            Tensors = ScalesOf(layers, policy, new WeightScales(method, percentile), ReadOnlyDictionary<string, Tensor>.Empty, stored),
        };
    }

    /// <summary>Finds the scales of every layer the policy names.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <param name="policy">How each layer's weight is quantized; null leaves it out.</param>
    /// <param name="search">Finds the scales of one weight.</param>
    /// <param name="importance">E[x²] of the input channels by layer name; a layer that is missing has all weighed alike.</param>
    /// <param name="stored">Weights that the model was stored with, by layer name, see <see cref="Run"/>.</param>
    internal static IReadOnlyList<KeyValuePair<string, CalibratedTensor>> ScalesOf(
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        Func<string, WeightQuantizationSpec?> policy,
        WeightScales search,
        IReadOnlyDictionary<string, Tensor> importance,
        IReadOnlyDictionary<string, QuantizedTensor>? stored)
    {
        List<KeyValuePair<string, CalibratedTensor>> tensors = [];
        foreach ((string name, IQuantizableLayer layer) in layers)
        {
            if (policy(name) is not { } spec)
                continue;
            if (StoredScales(stored?.GetValueOrDefault(name), spec) is { } taken)
            {
                tensors.Add(new(name, taken));
                continue;
            }

            using DisposeScope scope = NewDisposeScope();
            Tensor weight = layer.LatentWeight();
            using GroupScales scales = search.Find(name, spec, weight, importance.GetValueOrDefault(name));
            tensors.Add(new(name, Describe(name, spec, weight, weight, scales)));
        }

        return tensors;
    }

    /// <summary>Writes down the scales of one weight.</summary>
    /// <param name="name">Name of the layer.</param>
    /// <param name="spec">How the weight is quantized.</param>
    /// <param name="weight">The weight.</param>
    /// <param name="latent">What is rounded to the nearest levels: the weight itself, or what second-order rounding made of it.</param>
    /// <param name="scales">Scales that a file holds, and zero points.</param>
    internal static CalibratedTensor Describe(string name, WeightQuantizationSpec spec, Tensor weight, Tensor latent, GroupScales scales)
    {
        using DisposeScope scope = NewDisposeScope();
        using FakeQuantizer quantizer = FakeQuantizer.Create(name, spec, latent, scales);
        QuantizedTensor quantized = quantizer.Quantize(latent);
        double sqnr = QuantizationError.Measure(weight, quantized.Dequantize()).SqnrDecibels;
        return ScalesOf(quantized, double.IsFinite(sqnr) ? sqnr : null);
    }

    /// <summary>The scales a weight is stored with; null where it is stored on another grid, or on none. Nothing is lost at them.</summary>
    /// <param name="stored">The weight as it is stored; null where it is in full precision.</param>
    /// <param name="spec">How the weight is to be quantized.</param>
    internal static CalibratedTensor? StoredScales(QuantizedTensor? stored, WeightQuantizationSpec spec) =>
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
