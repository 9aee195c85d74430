using CsCheck;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels;

/// <summary>A matrix, its grid and its layout, for the kernels that pack and unpack.</summary>
internal sealed record PackedSample(CodeGrid Grid, GroupLayout Layout, float[] Scales, float[] ZeroPoints, float[] Weights)
{
    /// <summary>Every form but the reference.</summary>
    public static KernelForm[] Lanes { get; } = [KernelForm.Simd128, KernelForm.Simd256, KernelForm.Simd512];

    /// <summary>Small matrices of every shape and a few wide ones; scales from float16's smallest value up; weights on and near midpoints, zeros, and far out of range.</summary>
    public static Gen<PackedSample> Any { get; } =
        from bits in Gen.Int[0, 4].Select(index => new[] { 2, 3, 4, 5, 8 }[index])
        from kind in Gen.Enum<GridKind>()
        from rows in Gen.Long[0, 5]
        from columns in Gen.Frequency((8, Gen.Long[0, 70]), (1, Gen.Long[4000, 9000]))
        from granularity in Gen.OneOf(
            Gen.Const((QuantGranularity)new QuantGranularity.PerTensor()),
            Gen.Const((QuantGranularity)new QuantGranularity.PerChannel()),
            Gen.Int[1, 100].Select(size => (QuantGranularity)new QuantGranularity.PerBlock(size)))
        from seed in Gen.Int
        select Create(new CodeGrid(bits, kind), GroupLayout.For(granularity, rows, columns), new Random(seed));

    /// <summary>Bytes of the packed matrix.</summary>
    public long PackedBytes => Layout.Rows * BitPacking.RowBytes(Layout.Columns, Grid.Bits);

    /// <summary>The code of a weight, by the scalar quantizer.</summary>
    public byte Code(long weight)
    {
        long group = Layout.GroupOf(weight);
        return ScalarQuantizer.Code(Weights[weight], Scales[group], ZeroPointOf(group), Grid);
    }

    /// <summary>Zero point of a group.</summary>
    public int ZeroPointOf(long group) => Grid.Symmetric ? Grid.SymmetricZeroPoint : (int)ZeroPoints[group];

    /// <summary>Packed codes, by the scalar quantizer and the scalar packing.</summary>
    public byte[] Pack()
    {
        byte[] packed = new byte[PackedBytes];
        byte[] codes = new byte[Layout.Columns];
        int rowBytes = (int)BitPacking.RowBytes(Layout.Columns, Grid.Bits);
        for (int row = 0; row < Layout.Rows; row++)
        {
            for (int column = 0; column < codes.Length; column++)
                codes[column] = Code((row * Layout.Columns) + column);
            BitPacking.PackRow(codes, Grid.Bits, packed.AsSpan(row * rowBytes, rowBytes));
        }

        return packed;
    }

    private static PackedSample Create(CodeGrid grid, GroupLayout layout, Random random)
    {
        float[] scales = new float[layout.GroupCount];
        float[] zeroPoints = new float[grid.Symmetric ? 0 : layout.GroupCount];
        for (int group = 0; group < scales.Length; group++)
        {
            scales[group] = HalfScale.Round(MathF.ScaleB(1f + random.NextSingle(), random.Next(-24, 4)));
            if (!grid.Symmetric)
                zeroPoints[group] = random.Next(grid.MaxCode + 1);
        }

        float[] weights = new float[layout.WeightCount];
        for (int i = 0; i < weights.Length; i++)
        {
            float scale = scales[layout.GroupOf(i)];
            float midpoint = random.Next(-grid.MaxCode - 2, grid.MaxCode + 3) / 2f * scale;
            weights[i] = random.Next(8) switch
            {
                0 => 0f,
                1 => midpoint,
                2 => MathF.BitIncrement(midpoint),
                3 => MathF.BitDecrement(midpoint),
                4 => (random.NextSingle() - 0.5f) * 1e30f,
                _ => (random.NextSingle() - 0.5f) * 2f * grid.MaxCode * scale,
            };
        }

        return new(grid, layout, scales, zeroPoints, weights);
    }
}
