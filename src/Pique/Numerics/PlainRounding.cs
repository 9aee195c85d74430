using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>The weights of a segment and what they are rounded to, in plain torch operations. The caller's dispose scope owns all tensors.</summary>
/// <remarks>The arithmetic is that of <see cref="Kernels.GroupGrid"/>, bit for bit.</remarks>
internal sealed class PlainRounding
{
    private readonly CodeGrid _grid;
    private readonly Tensor? _lowest;
    private readonly Tensor? _highest;

    /// <summary>Rounds a view of weights.</summary>
    /// <param name="weights">View, shape [lines, blocks, blockSize].</param>
    /// <param name="scales">Scales of the whole matrix, shape [lines, blocksPerLine].</param>
    /// <param name="zeroPoints">Zero points, same shape; null on the symmetric grids.</param>
    /// <param name="segment">The segment the view shows.</param>
    /// <param name="grid">The codes.</param>
    public PlainRounding(Tensor weights, Tensor scales, Tensor? zeroPoints, GroupLayout.Segment segment, CodeGrid grid)
    {
        _grid = grid;
        Weights = weights;
        Scales = GroupLayout.GroupView(scales, segment);
        if (zeroPoints is not null)
        {
            _lowest = GroupLayout.GroupView(zeroPoints, segment).neg();
            _highest = _lowest.add(HeldScalar.Of(grid.MaxCode), HeldScalar.Of(1));
        }

        Quotient = weights.div(Scales);
        Tensor integers = Quotient.sub(HeldScalar.Of(grid.Offset)).round_();
        _ = _lowest is null
            ? integers.clamp_(HeldScalar.Of(-grid.SymmetricZeroPoint), HeldScalar.Of(grid.SymmetricZeroPoint - 1))
            : integers.clamp_(_lowest, _highest!);
        Level = integers.add_(HeldScalar.Of(grid.Offset), HeldScalar.Of(1));
        Value = Level.mul(Scales);
    }

    /// <summary>w.</summary>
    public Tensor Weights { get; }

    /// <summary>s, shape [lines, blocks, 1].</summary>
    public Tensor Scales { get; }

    /// <summary>w/s.</summary>
    public Tensor Quotient { get; }

    /// <summary>ŵ/s.</summary>
    public Tensor Level { get; }

    /// <summary>ŵ.</summary>
    public Tensor Value { get; }

    /// <summary>Where w/s lies within the grid, bool.</summary>
    public Tensor InRange() => _lowest is null
        ? Quotient.ge(HeldScalar.Of(_grid.MinLevel)).logical_and_(Quotient.le(HeldScalar.Of(_grid.MaxLevel)))
        : Quotient.ge(_lowest).logical_and_(Quotient.le(_highest!));
}
