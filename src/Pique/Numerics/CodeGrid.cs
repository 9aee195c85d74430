namespace Pique.Numerics;

/// <summary>The levels a weight is rounded to, in units of its scale, and the codes they are stored as. See docs/math.md §1.</summary>
/// <remarks>
/// Codes are stored unsigned, 0 … 2^bits − 1, and a weight reads back as (code − zeroPoint + <see cref="Offset"/>)·scale. Only the
/// affine grid has a zero point of its own for every group; the others have the fixed one <see cref="SymmetricZeroPoint"/>.
/// </remarks>
/// <param name="Bits">Bits a code, 2 to 8.</param>
/// <param name="Kind">Where the levels lie.</param>
public readonly record struct CodeGrid(int Bits, GridKind Kind)
{
    /// <summary>Largest stored code, 2^bits − 1.</summary>
    public int MaxCode => (1 << Bits) - 1;

    /// <summary>Whether every group has the zero point <see cref="SymmetricZeroPoint"/>.</summary>
    public bool Symmetric => Kind != GridKind.Affine;

    /// <summary>Zero point of the symmetric grids, 2^(bits−1).</summary>
    public int SymmetricZeroPoint => 1 << (Bits - 1);

    /// <summary>What is added to code − zeroPoint: ½ on the half-integer grid, else 0.</summary>
    public float Offset => Kind == GridKind.HalfInteger ? 0.5f : 0f;

    /// <summary>Lowest level of a symmetric grid.</summary>
    public float MinLevel => -SymmetricZeroPoint + Offset;

    /// <summary>Highest level of a symmetric grid.</summary>
    public float MaxLevel => SymmetricZeroPoint - 1 + Offset;

    /// <summary>2^(bits−1) − 1: Qp of LSQ's gradient scale and first step, for every grid.</summary>
    public int PositiveLevels => SymmetricZeroPoint - 1;
}
