using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Finds the scale of every group of weights.</summary>
/// <remarks>
/// The search for the least squared error tries a geometric series of scales around the covering scale, halves the interval around
/// the best, then improves it by least squares with its levels held fixed, s = Σ w·level / Σ level². Each candidate is rounded to
/// float16 before it is judged and kept only where its error is smaller. The affine zero point is that of the covering scale throughout.
/// </remarks>
public static class ScaleSearch
{
    private const double CandidateRatio = 0.97;
    private const int CandidatesAbove = 4;
    private const int CandidatesBelow = 84;
    private const double FinestStep = 0.001;
    private const int LeastSquaresRounds = 3;
    private const long WeightsPerChunk = 1 << 18;

    /// <summary>Finds scales and zero points.</summary>
    /// <param name="weight">Weights, shape [rows, columns], float32.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="grid">The codes.</param>
    /// <param name="method">How the scale is found.</param>
    /// <returns>Float16-exact scales within [2^−24, 65504]; a group of zeros gets 2^−24.</returns>
    public static GroupScales Find(Tensor weight, GroupLayout layout, CodeGrid grid, ScaleMethod method)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor contiguous = weight.detach().contiguous();
        (Tensor covering, Tensor? zeroPoints) = Covering(contiguous, layout, grid);
        Tensor scales = method switch
        {
            ScaleMethod.AbsMax => HalfScale.Round(covering),
            ScaleMethod.MinimumError => MinimumError(contiguous, layout, covering, zeroPoints, grid),
            ScaleMethod.MeanAbsolute => HalfScale.Round(MeanAbsolute(contiguous, layout, grid)),
            _ => throw new ArgumentOutOfRangeException(nameof(method), method, "Unknown scale method."),
        };
        return new GroupScales(scales.MoveToOuterDisposeScope(), zeroPoints?.MoveToOuterDisposeScope());
    }

    /// <summary>The smallest scales whose grids cover every weight, not yet rounded, and the zero points that go with them.</summary>
    /// <param name="weight">Contiguous weights, shape [rows, columns].</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="grid">The codes.</param>
    internal static (Tensor Scales, Tensor? ZeroPoints) Covering(Tensor weight, GroupLayout layout, CodeGrid grid)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor highest = Reduce(weight, layout, view => view.amax([-1])).clamp_min_(HeldScalar.Of(0f));
        Tensor lowest = Reduce(weight, layout, view => view.amin([-1])).clamp_max_(HeldScalar.Of(0f));
        if (grid.Symmetric)
        {
            Tensor symmetric = maximum(highest.div_(HeldScalar.Of(grid.PositiveLevels)), lowest.div_(HeldScalar.Of(grid.MinLevel)));
            return (symmetric.MoveToOuterDisposeScope(), null);
        }

        Tensor covering = highest.div_(HeldScalar.Of(grid.MaxCode)).sub_(lowest.div(HeldScalar.Of(grid.MaxCode)));
        Tensor zeroPoints = lowest.neg_().div_(covering.clamp_min(HeldScalar.Of(float.Epsilon))).round_().clamp_(HeldScalar.Of(0), HeldScalar.Of(grid.MaxCode));
        return (covering.MoveToOuterDisposeScope(), zeroPoints.MoveToOuterDisposeScope());
    }

    private static Tensor MeanAbsolute(Tensor weight, GroupLayout layout, CodeGrid grid) =>
        Reduce(weight, layout, view => view.abs().mean([-1])).mul_(HeldScalar.Of(2f / MathF.Sqrt(grid.PositiveLevels)));

    private static Tensor MinimumError(Tensor weight, GroupLayout layout, Tensor covering, Tensor? zeroPoints, CodeGrid grid)
    {
        Tensor scales = empty(layout.ScaleShape);
        long linesPerChunk = layout.LineWidth == 0 ? 1 : Math.Max(1, WeightsPerChunk / layout.LineWidth);
        foreach (GroupLayout.Segment segment in layout.Segments())
        {
            for (long line = 0; line < layout.LineCount; line += linesPerChunk)
            {
                using DisposeScope scope = NewDisposeScope();
                long lines = Math.Min(linesPerChunk, layout.LineCount - line);
                Tensor Chunk(Tensor groups) => GroupLayout.GroupView(groups.narrow(0, line, lines), segment);
                Tensor view = layout.WeightView(weight, segment).narrow(0, line, lines);
                Tensor best = Search(view, Chunk(covering), zeroPoints is null ? null : Chunk(zeroPoints), grid);
                Chunk(scales).copy_(best);
            }
        }

        return scales;
    }

    private static Tensor Search(Tensor view, Tensor covering, Tensor? zeroPoints, CodeGrid grid)
    {
        Tensor best = HalfScale.Round(covering);
        Tensor leastError = SquaredError(view, best, zeroPoints, grid);
        for (int candidate = -CandidatesAbove; candidate <= CandidatesBelow; candidate++)
            Keep(HalfScale.Round(covering.mul(HeldScalar.Of((float)Math.Pow(CandidateRatio, candidate)))));
        for (double step = (1 - CandidateRatio) / 2; step > FinestStep; step /= 2)
        {
            Tensor center = best.clone();
            Keep(HalfScale.Round(center.mul(HeldScalar.Of((float)(1 + step)))));
            Keep(HalfScale.Round(center.mul(HeldScalar.Of((float)(1 - step)))));
        }

        for (int round = 0; round < LeastSquaresRounds; round++)
            Keep(HalfScale.Round(LeastSquares(view, best, zeroPoints, grid)));
        return best;

        void Keep(Tensor scales)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor error = SquaredError(view, scales, zeroPoints, grid);
            Tensor better = error.lt(leastError);
            best.copy_(where(better, scales, best));
            leastError.copy_(where(better, error, leastError));
        }
    }

    private static Tensor SquaredError(Tensor view, Tensor scales, Tensor? zeroPoints, CodeGrid grid)
    {
        using Tensor residual = GridArithmetic.Levels(view, scales, zeroPoints, grid).mul_(scales).sub_(view);
        return residual.mul_(residual).sum(-1, keepdim: true);
    }

    private static Tensor LeastSquares(Tensor view, Tensor scales, Tensor? zeroPoints, CodeGrid grid)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor levels = GridArithmetic.Levels(view, scales, zeroPoints, grid);
        Tensor energy = levels.square().sum(-1, keepdim: true);
        Tensor product = levels.mul_(view).sum(-1, keepdim: true);
        return where(energy.gt(HeldScalar.Of(0f)), product.div(energy), scales).MoveToOuterDisposeScope();
    }

    private static Tensor Reduce(Tensor weight, GroupLayout layout, Func<Tensor, Tensor> reduce)
    {
        Tensor[] parts = [.. layout.Segments().Select(segment => reduce(layout.WeightView(weight, segment)))];
        return parts.Length switch
        {
            0 => zeros(layout.ScaleShape),
            1 => parts[0],
            _ => cat(parts, 1),
        };
    }
}
