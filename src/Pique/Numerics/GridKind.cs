namespace Pique.Numerics;

/// <summary>Where the levels of a grid lie. See docs/math.md §1.</summary>
public enum GridKind
{
    /// <summary>Levels −2^(b−1) … 2^(b−1) − 1.</summary>
    TwosComplement,

    /// <summary>Levels −z … 2^b − 1 − z, with an integer zero point z of 0 … 2^b − 1 for every group.</summary>
    Affine,

    /// <summary>Levels ±½, ±1½ … ±(2^(b−1) − ½): ParetoQ's Stretched Elastic Quant, Liu et al. 2025, arXiv:2502.02631.</summary>
    HalfInteger,
}
