using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Benchmarks.PiQuantization;

/// <summary>
/// Searches the parameter p of every channel, whose step is p·f rounded to float16: s of the uniform grid with f = 1, α of the pi grid
/// with f = π/k. The candidates are multiples of the covering scale whatever f is, so neither search knows of the other's result.
/// </summary>
internal static class StepSearch
{
    private const double LeastRatio = 0.05;
    private const double GreatestRatio = 2;
    private const double CoarseRatio = 1.01;

    /// <summary>Ratio of the fine candidates, below the spacing of float16: none of its values is passed over.</summary>
    private static readonly double FineRatio = Math.Pow(2, -12) + 1;

    /// <summary>Finds the steps of least squared error.</summary>
    /// <param name="weight">Weights, shape [rows, columns].</param>
    /// <param name="layout">Per channel.</param>
    /// <param name="grid">The codes.</param>
    /// <param name="factor">f, step per unit of the parameter.</param>
    /// <returns>Float16-exact steps, shape [rows, 1].</returns>
    public static Tensor Find(Tensor weight, GroupLayout layout, CodeGrid grid, double factor)
    {
        using DisposeScope scope = NewDisposeScope();
        using GroupScales covering = ScaleSearch.Find(weight, layout, grid, ScaleMethod.AbsMax);
        Best best = new(weight, layout, grid, factor, covering.Scales);
        for (double ratio = LeastRatio; ratio <= GreatestRatio; ratio *= CoarseRatio)
            best.Try(covering.Scales, ratio);
        using Tensor center = best.Parameter.clone();
        for (double ratio = 1 / CoarseRatio; ratio <= CoarseRatio; ratio *= FineRatio)
            best.Try(center, ratio);
        return Step(best.Parameter, factor).MoveToOuterDisposeScope();
    }

    /// <summary>p·f rounded to float16.</summary>
    public static Tensor Step(Tensor parameter, double factor)
    {
        using Tensor step = parameter.mul((float)factor);
        return HalfScale.Round(step);
    }

    /// <summary>Squared error of every channel, shape [rows, 1], float64.</summary>
    public static Tensor ChannelError(Tensor weight, GroupLayout layout, CodeGrid grid, Tensor steps)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor residual = GridArithmetic.FakeQuantize(weight, layout, steps, null, grid).sub_(weight);
        return residual.Squared().sum(1, keepdim: true, type: ScalarType.Float64).MoveToOuterDisposeScope();
    }

    private sealed class Best(Tensor weight, GroupLayout layout, CodeGrid grid, double factor, Tensor start)
    {
        private readonly Tensor _error = ChannelError(weight, layout, grid, Step(start, factor));

        public Tensor Parameter { get; } = start.clone();

        public void Try(Tensor center, double ratio)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor candidate = center.mul((float)ratio);
            Tensor error = ChannelError(weight, layout, grid, Step(candidate, factor));
            Tensor better = error.lt(_error);
            Parameter.copy_(where(better, candidate, Parameter));
            _error.copy_(where(better, error, _error));
        }
    }
}
