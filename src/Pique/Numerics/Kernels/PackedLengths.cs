namespace Pique.Numerics.Kernels;

/// <summary>The checks above the kernels that read and write packed matrices.</summary>
internal static class PackedLengths
{
    /// <summary>Requires a number of things.</summary>
    /// <exception cref="ArgumentException">There is another number of them.</exception>
    public static void Require(string what, long found, long expected)
    {
        if (found != expected)
            throw new ArgumentException($"Found {found} {what}, expected {expected}.");
    }

    /// <summary>Requires a scale and, on the affine grid, a zero point for every group.</summary>
    /// <exception cref="ArgumentException">There is another number of them.</exception>
    public static void RequireGrid(int scales, int zeroPoints, CodeGrid grid, GroupLayout layout)
    {
        Require("scales", scales, layout.GroupCount);
        Require("zero points", zeroPoints, grid.Symmetric ? 0 : layout.GroupCount);
    }

    /// <summary>Requires consecutive weights to lie within the matrix.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    public static void RequireRange(long first, long count, GroupLayout layout)
    {
        if (first < 0 || count > layout.WeightCount - first)
            throw new ArgumentException($"Found {count} weights from {first}, expected them within {layout.WeightCount}.");
    }
}
