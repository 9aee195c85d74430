namespace Pique.Numerics.Kernels;

/// <summary>The scale and zero point that follow from the range of a group.</summary>
internal interface IScaleRule
{
    /// <summary>Finds them.</summary>
    /// <param name="lowest">Smallest value, at most 0.</param>
    /// <param name="highest">Largest value, at least 0.</param>
    /// <param name="group">Index of the group.</param>
    (float Scale, float ZeroPoint) Of(float lowest, float highest, long group);
}

/// <summary>The smallest scale whose grid covers the range, not rounded.</summary>
internal readonly struct CoveringRule(CodeGrid grid) : IScaleRule
{
    private readonly float _minLevel = grid.MinLevel;
    private readonly float _maxLevel = grid.MaxLevel;
    private readonly float _maxCode = grid.MaxCode;
    private readonly float _fixedZeroPoint = grid.SymmetricZeroPoint;
    private readonly bool _isSymmetric = grid.Symmetric;

    /// <inheritdoc/>
    public (float Scale, float ZeroPoint) Of(float lowest, float highest, long group)
    {
        if (_isSymmetric)
            return (MathF.Max(highest / _maxLevel, lowest / _minLevel), _fixedZeroPoint);
        float covering = (highest / _maxCode) - (lowest / _maxCode);
        return (covering, Math.Clamp(MathF.Round(-lowest / MathF.Max(covering, float.Epsilon), MidpointRounding.ToEven), 0f, _maxCode) + 0f);
    }
}

/// <summary>The covering scale times the clip ratio of the group, rounded to float16: the scale of an estimator that trains none.</summary>
internal readonly unsafe struct ClippedRangeRule(CodeGrid grid, float* clipRatios) : IScaleRule
{
    private readonly CoveringRule _covering = new(grid);
    private readonly float* _clipRatios = clipRatios;

    /// <inheritdoc/>
    public (float Scale, float ZeroPoint) Of(float lowest, float highest, long group)
    {
        (float covering, float zeroPoint) = _covering.Of(lowest, highest, group);
        return (HalfScale.Round(covering * _clipRatios[group]), zeroPoint);
    }
}

/// <summary>Range/maxCode and the integer that puts the lowest level at or beside the smallest value: activations, which keep a float32 scale.</summary>
internal readonly struct ActivationRule(int bits) : IScaleRule
{
    /// <summary>Smallest scale: float32's smallest normal number.</summary>
    public const float SmallestScale = 1.17549435e-38f;

    private readonly float _maxCode = (1 << bits) - 1;

    /// <inheritdoc/>
    public (float Scale, float ZeroPoint) Of(float lowest, float highest, long group)
    {
        float scale = MathF.Max((highest - lowest) / _maxCode, SmallestScale);
        return (scale, 0f - MathF.Round(lowest / scale, MidpointRounding.ToEven));
    }
}
