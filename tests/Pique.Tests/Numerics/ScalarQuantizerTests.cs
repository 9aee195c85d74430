using CsCheck;
using Pique.Numerics;

namespace Pique.Tests.Numerics;

public sealed class ScalarQuantizerTests
{
    private static readonly Gen<(int Bits, int ZeroPoint, float Scale)> Grids =
        from bits in Gen.OneOf(2, 3, 4, 5, 8)
        from zeroPoint in Gen.Int[0, (1 << bits) - 1]
        from scale in Gen.Float[1e-4f, 100f]
        select (bits, zeroPoint, HalfScale.Round(scale));

    [Fact]
    public void Within_range_the_error_is_at_most_half_a_scale() =>
        Gen.Select(Grids, Gen.Float[0f, 1f]).Sample((grid, place) =>
        {
            float weight = ((place * ((1 << grid.Bits) - 1)) - grid.ZeroPoint) * grid.Scale;
            double error = Math.Abs(weight - ScalarQuantizer.Dequantize(ScalarQuantizer.Code(weight, grid.Scale, grid.ZeroPoint, new CodeGrid(grid.Bits, GridKind.Affine)), grid.Scale, grid.ZeroPoint));
            return error <= grid.Scale * 0.50001;
        });

    [Fact]
    public void Quantizing_a_dequantized_weight_gives_its_code_again() =>
        Grids.Sample(grid => Enumerable.Range(0, 1 << grid.Bits).All(code =>
            ScalarQuantizer.Code(ScalarQuantizer.Dequantize((byte)code, grid.Scale, grid.ZeroPoint), grid.Scale, grid.ZeroPoint, new CodeGrid(grid.Bits, GridKind.Affine)) == code));

    [Theory]
    [InlineData(0.5f, 0)]
    [InlineData(1.5f, 2)]
    [InlineData(-0.5f, 0)]
    [InlineData(-2.5f, -2)]
    [InlineData(99f, 7)]
    [InlineData(-99f, -8)]
    public void Ties_go_to_even_and_the_ends_clamp(float weight, int level) =>
        Assert.Equal(level + 8, ScalarQuantizer.Code(weight, 1f, 8, new CodeGrid(4, GridKind.TwosComplement)));
}
