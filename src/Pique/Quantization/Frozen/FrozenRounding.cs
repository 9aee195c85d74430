using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Quantization.Frozen;

/// <summary>Rounds frozen weights for good, a few rows at a time.</summary>
public static class FrozenRounding
{
    /// <summary>Quantizes a frozen weight as <see cref="FakeQuantizer"/> would, at the scales that are found from it.</summary>
    /// <param name="layerName">Name of the layer, for errors.</param>
    /// <param name="weight">The weight. One that is packed on the grid asked for is taken as it is.</param>
    /// <param name="spec">How it is quantized. One scale for the whole weight takes the whole weight in float32 at once.</param>
    /// <param name="method">How scales are found.</param>
    /// <returns>The packed weight.</returns>
    /// <exception cref="InputException">The weight has no such grid.</exception>
    public static QuantizedTensor Quantize(string layerName, FrozenWeight weight, WeightQuantizationSpec spec, ScaleMethod method) =>
        Quantize(weight, spec, rows => FakeQuantizer.Create(layerName, spec, rows, method));

    /// <summary>Quantizes a frozen weight.</summary>
    /// <param name="weight">The weight. One that is packed on the grid asked for is taken as it is.</param>
    /// <param name="spec">How it is quantized.</param>
    /// <param name="quantizerOf">Makes the quantizer of some of its rows.</param>
    /// <returns>The packed weight.</returns>
    internal static QuantizedTensor Quantize(FrozenWeight weight, WeightQuantizationSpec spec, Func<Tensor, FakeQuantizer> quantizerOf)
    {
        if (weight is PackedWeight { Tensor: var stored } && (stored.Grid, stored.Granularity, stored.SubScales is not null) == (spec.Grid, spec.Granularity, spec.TwoLevelScales) && !spec.PiKPerChannel)
            return stored;
        PackedRowsJoin? join = spec.Granularity is QuantGranularity.PerTensor ? null : new(weight.Rows, weight.Columns, spec);
        foreach ((long first, long count) in Pieces(weight, spec))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor rows = weight.Materialize(first, count);
            using FakeQuantizer quantizer = quantizerOf(rows);
            QuantizedTensor packed = quantizer.Quantize(rows);
            if (join is null)
                return packed;
            join.Append(packed);
        }

        return join!.Finish();
    }

    /// <summary>The rows that are quantized at once: all of them where they share one scale.</summary>
    internal static IEnumerable<(long FirstRow, long RowCount)> Pieces(FrozenWeight weight, WeightQuantizationSpec spec) =>
        weight.Pieces(spec.Granularity is QuantGranularity.PerTensor ? long.MaxValue : FrozenWeight.PieceWeights);

    /// <summary>Signal over noise of a packed weight; of a layer frozen whole, a few rows at a time.</summary>
    /// <param name="layer">The layer the weight was packed from.</param>
    /// <param name="packed">The packed weight.</param>
    /// <returns>Decibels; +∞ where nothing was lost.</returns>
    public static double SqnrDecibels(IQuantizableLayer layer, QuantizedTensor packed)
    {
        using DisposeScope scope = NewDisposeScope();
        if (layer.Frozen is not { Adapter: null } frozen)
            return QuantizationError.Measure(layer.LatentWeight(), packed.Dequantize()).SqnrDecibels;
        PackedWeight rounded = new(packed);
        double signal = 0, noise = 0;
        foreach ((long first, long count) in frozen.Base.Pieces())
        {
            using DisposeScope piece = NewDisposeScope();
            Tensor exact = frozen.Base.Materialize(first, count);
            signal += exact.Squared().sum(ScalarType.Float64).item<double>();
            noise += exact.sub_(rounded.Materialize(first, count)).Squared().sum(ScalarType.Float64).item<double>();
        }

        return noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);
    }
}
