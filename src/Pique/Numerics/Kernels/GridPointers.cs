using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>The grid of every group, as kernels read it.</summary>
internal readonly unsafe struct GridPointers
{
    /// <summary>Creates the view.</summary>
    /// <param name="grid">The codes.</param>
    /// <param name="scales">A scale for every group.</param>
    /// <param name="zeroPoints">A zero point for every group; null on the symmetric grids.</param>
    public GridPointers(CodeGrid grid, float* scales, float* zeroPoints)
    {
        Scales = scales;
        ZeroPoints = zeroPoints;
        FixedZeroPoint = grid.SymmetricZeroPoint;
        MaxCode = grid.MaxCode;
        Offset = grid.Offset;
    }

    /// <summary>A scale for every group.</summary>
    public float* Scales { get; }

    /// <summary>A zero point for every group, or null.</summary>
    public float* ZeroPoints { get; }

    /// <summary>The zero point of every group where <see cref="ZeroPoints"/> is null.</summary>
    public float FixedZeroPoint { get; }

    /// <summary>Largest code.</summary>
    public float MaxCode { get; }

    /// <summary>½ on the half-integer grid, else 0.</summary>
    public float Offset { get; }

    /// <summary>Zero point of a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float ZeroPoint(long group) => ZeroPoints == null ? FixedZeroPoint : ZeroPoints[group];
}
