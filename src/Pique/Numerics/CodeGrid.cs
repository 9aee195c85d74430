namespace Pique.Numerics;

/// <summary>The integer codes of one weight: two's complement around zero, or affine with an integer zero point.</summary>
/// <remarks>
/// Codes are stored unsigned, 0 … 2^bits − 1, and a weight reads back as (code − zeroPoint)·scale. The symmetric grid is the
/// special case of the fixed zero point 2^(bits−1), whose levels code − zeroPoint are the two's complement range.
/// </remarks>
/// <param name="Bits">Bits a code, 2 to 8.</param>
/// <param name="Symmetric">True for the fixed zero point 2^(bits−1).</param>
public readonly record struct CodeGrid(int Bits, bool Symmetric)
{
    /// <summary>Largest stored code, 2^bits − 1.</summary>
    public int MaxCode => (1 << Bits) - 1;

    /// <summary>Zero point of the symmetric grid, 2^(bits−1).</summary>
    public int SymmetricZeroPoint => 1 << (Bits - 1);

    /// <summary>Lowest level of the symmetric grid, −2^(bits−1).</summary>
    public int MinLevel => -SymmetricZeroPoint;

    /// <summary>Highest level of the symmetric grid, 2^(bits−1) − 1: Qp of LSQ's gradient scale, for both grids.</summary>
    public int MaxLevel => SymmetricZeroPoint - 1;
}
