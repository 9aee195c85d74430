namespace Pique.Configuration;

/// <summary>Where the levels of quantized weights lie and how their scales are held. The configuration format knows no such choice: a recipe's "grid" makes it.</summary>
public enum WeightGrid
{
    /// <summary>What the configuration implies: two's complement, or affine where it is not symmetric.</summary>
    Auto,

    /// <summary>Levels −2^(b−1) … 2^(b−1) − 1.</summary>
    TwosComplement,

    /// <summary>Levels ±½, ±1½ … ±(2^(b−1) − ½): none at zero, as many above it as below (Liu et al. 2025, arXiv:2502.02631).</summary>
    HalfInteger,

    /// <summary>Two's complement whose scales are a float16 for 256 weights times a small integer for each block, as K-quants hold them.</summary>
    TwoLevel,
}
