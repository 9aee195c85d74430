using Pique.Configuration;
using Pique.Formats;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Finds the scales of weights by a calibration method.</summary>
/// <remarks>
/// Min–max and least squared error look at each group by itself. A percentile or a histogram of the few weights of a row or block would
/// say little: these two look at all weights of the layer, each in units of the root mean square of its group. Every group is clipped
/// at the multiple of its own root mean square that they find, or not at all where it ends before.
/// </remarks>
internal sealed class WeightScales
{
    private readonly CalibrationMethod _method;
    private readonly double _percentile;

    /// <summary>Creates the search.</summary>
    /// <param name="method">How scales are found.</param>
    /// <param name="percentile">Share of magnitudes within the range, for the percentile.</param>
    public WeightScales(CalibrationMethod method, double percentile = CalibrationRecipe.DefaultPercentile)
    {
        _method = method;
        _percentile = percentile;
    }

    /// <summary>Finds the scales of one weight.</summary>
    /// <param name="name">Name of the layer, for errors.</param>
    /// <param name="spec">How the weight is quantized; where k of the pi grid is chosen for every channel, that search finds the scales.</param>
    /// <param name="weight">Weight, shape [rows, columns], float32.</param>
    /// <param name="importance">E[x²] of every input channel, shape [columns], for squared errors; null weighs all alike.</param>
    /// <returns>Scales that a file holds exactly, and zero points, owned by the caller.</returns>
    /// <exception cref="InputException">The weight is no matrix, holds a value that is not finite, or has no such grid.</exception>
    public GroupScales Find(string name, WeightQuantizationSpec spec, Tensor weight, Tensor? importance)
    {
        using IDisposable noGradient = no_grad();
        using FakeQuantizer covering = FakeQuantizer.Create(name, spec, weight, ScaleMethod.AbsMax);
        if (spec.PiKPerChannel)
            return covering.CurrentScales(weight);
        using GroupScales found = Search(spec, weight, importance, new(() => Multiple(spec, [() => weight])));
        using FakeQuantizer quantizer = FakeQuantizer.Create(name, spec, weight, found);
        return quantizer.CurrentScales(weight); // In two levels, where the grid has them.
    }

    /// <summary>Rounds a frozen weight for good at the scales that <see cref="Find"/> finds, a few rows at a time.</summary>
    /// <param name="name">Name of the layer, for errors.</param>
    /// <param name="spec">How the weight is quantized.</param>
    /// <param name="weight">The weight, see <see cref="FrozenRounding"/>.</param>
    /// <returns>The packed weight.</returns>
    /// <exception cref="InputException">The weight holds a value that is not finite, or has no such grid.</exception>
    public QuantizedTensor Round(string name, WeightQuantizationSpec spec, FrozenWeight weight)
    {
        Lazy<float> multiple = new(() => Multiple(spec, FrozenRounding.Pieces(weight, spec).Select<(long FirstRow, long RowCount), Func<Tensor>>(piece => () => weight.Materialize(piece.FirstRow, piece.RowCount))));
        return FrozenRounding.Quantize(weight, spec, rows =>
        {
            if (spec.PiKPerChannel)
                return FakeQuantizer.Create(name, spec, rows, ScaleMethod.AbsMax);
            using GroupScales found = Search(spec, rows, importance: null, multiple);
            return FakeQuantizer.Create(name, spec, rows, found);
        });
    }

    private GroupScales Search(WeightQuantizationSpec spec, Tensor weight, Tensor? importance, Lazy<float> multiple)
    {
        GroupLayout layout = GroupLayout.For(spec.Granularity, weight.shape[0], weight.shape[1]);
        return _method switch
        {
            CalibrationMethod.Rtn => ScaleSearch.Find(weight, layout, spec.Grid, ScaleMethod.AbsMax),
            CalibrationMethod.Mse or CalibrationMethod.Gptq => ScaleSearch.Find(weight, layout, spec.Grid, ScaleMethod.MinimumError, importance),
            CalibrationMethod.Percentile or CalibrationMethod.Entropy when layout.WeightCount == 0 => ScaleSearch.Find(weight, layout, spec.Grid, ScaleMethod.AbsMax),
            CalibrationMethod.Percentile or CalibrationMethod.Entropy => Clipped(weight, layout, spec.Grid, multiple.Value),
            _ => throw new InvalidOperationException($"Unknown calibration method {_method}."),
        };
    }

    /// <summary>The multiple of its root mean square at which a group is clipped, by all weights of the layer.</summary>
    private float Multiple(WeightQuantizationSpec spec, IEnumerable<Func<Tensor>> pieces)
    {
        IRangeObserver observer = _method == CalibrationMethod.Percentile ? new PercentileObserver(_percentile) : new EntropyObserver(spec.Bits);
        using IDisposable noGradient = no_grad();
        foreach (Func<Tensor> read in pieces)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor piece = read();
            GroupLayout layout = GroupLayout.For(spec.Granularity, piece.shape[0], piece.shape[1]);
            Tensor readable = piece.detach().cpu().contiguous();
            Tensor relative = PlainGridArithmetic.Map(readable, layout, segment =>
            {
                Tensor view = layout.WeightView(readable, segment);
                return view.div(RootMeanSquare(view));
            });
            TensorMemory.Visit(relative.contiguous(), (_, values) => observer.Observe(values));
        }

        ObservedRange kept = observer.Range();
        return MathF.Max(-kept.Lowest, kept.Highest);
    }

    /// <summary>Covering scales, less where a group reaches beyond a multiple of its root mean square.</summary>
    private static GroupScales Clipped(Tensor weight, GroupLayout layout, CodeGrid grid, float multiple)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor readable = weight.detach().cpu().contiguous();
        Tensor ratios = cat([.. layout.Segments().Select(segment => Ratio(layout.WeightView(readable, segment), multiple))], 1);
        GroupScales covering = GridArithmetic.Covering(readable, layout, grid);
        Tensor clipped = HalfScale.Round(covering.Scales.mul(ratios));
        return new(clipped.to(weight.device).MoveToOuterDisposeScope(), covering.ZeroPoints?.to(weight.device).MoveToOuterDisposeScope());
    }

    /// <summary>Shape [lines, blocks, 1]; above zero, so that a group of zeros divides to zeros.</summary>
    private static Tensor RootMeanSquare(Tensor view) => view.Squared().mean([-1], keepdim: true).sqrt().clamp_min(HeldScalar.Of(1e-30f));

    /// <summary>Share of its range that a group keeps, shape [lines, blocks].</summary>
    private static Tensor Ratio(Tensor view, float multiple)
    {
        Tensor largest = view.abs().amax([-1], keepdim: true).clamp_min(HeldScalar.Of(1e-30f));
        return RootMeanSquare(view).mul(HeldScalar.Of(multiple)).div(largest).clamp_max(HeldScalar.Of(1f)).squeeze(-1);
    }
}
