using Pique.Configuration;
using Pique.Formats;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Finds the scales of weights by a calibration method.</summary>
/// <remarks>
/// Min–max and least squared error look at each group by itself. A percentile or a histogram of the few weights of a row or block would
/// say little: these two look at all weights of the layer, each divided by the largest magnitude of its group, and the share of the
/// range they keep becomes the clip ratio of every group.
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
        using GroupScales found = Search(spec, weight, importance);
        using FakeQuantizer quantizer = FakeQuantizer.Create(name, spec, weight, found);
        return quantizer.CurrentScales(weight); // In two levels, where the grid has them.
    }

    private GroupScales Search(WeightQuantizationSpec spec, Tensor weight, Tensor? importance)
    {
        GroupLayout layout = GroupLayout.For(spec.Granularity, weight.shape[0], weight.shape[1]);
        return _method switch
        {
            CalibrationMethod.Rtn => ScaleSearch.Find(weight, layout, spec.Grid, ScaleMethod.AbsMax),
            CalibrationMethod.Mse or CalibrationMethod.Gptq => ScaleSearch.Find(weight, layout, spec.Grid, ScaleMethod.MinimumError, importance),
            CalibrationMethod.Percentile => Clipped(weight, layout, spec.Grid, new PercentileObserver(_percentile)),
            CalibrationMethod.Entropy => Clipped(weight, layout, spec.Grid, new EntropyObserver(spec.Bits)),
            _ => throw new InvalidOperationException($"Unknown calibration method {_method}."),
        };
    }

    /// <summary>Covering scales times the share of the range that an observer keeps of all weights, each as a share of its group's largest magnitude.</summary>
    private static GroupScales Clipped(Tensor weight, GroupLayout layout, CodeGrid grid, IRangeObserver observer)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor readable = weight.detach().cpu().contiguous();
        Tensor shares = PlainGridArithmetic.Map(readable, layout, segment =>
        {
            Tensor view = layout.WeightView(readable, segment);
            return view.div(view.abs().amax([-1], keepdim: true).clamp_min(HeldScalar.Of(float.Epsilon)));
        });
        TensorMemory.Visit(shares.contiguous(), (_, values) => observer.Observe(values));
        ObservedRange kept = observer.Range();
        float ratio = MathF.Min(1, MathF.Max(-kept.Lowest, kept.Highest));
        GroupScales covering = GridArithmetic.Covering(readable, layout, grid);
        Tensor clipped = HalfScale.Round(covering.Scales.mul(HeldScalar.Of(ratio > 0 ? ratio : 1)));
        return new(clipped.to(weight.device).MoveToOuterDisposeScope(), covering.ZeroPoints?.to(weight.device).MoveToOuterDisposeScope());
    }
}
