using System.Runtime.InteropServices;
using Pique.Formats.Safetensors;

namespace Pique.Tests.Formats.Safetensors;

public sealed class FloatConversionTests
{
    private static readonly ushort[] AllPatterns = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];

    [Fact]
    public void Every_bfloat16_widens_to_the_float_with_the_same_upper_half()
    {
        float[] floats = new float[AllPatterns.Length];

        FloatConversion.WidenBFloat16(AllPatterns, floats);

        Assert.Equal(AllPatterns.Select(bits => (uint)bits << 16), floats.Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void A_short_run_of_bfloat16_widens_without_touching_its_neighbours()
    {
        float[] floats = [7, 7, 7, 7];

        FloatConversion.WidenBFloat16([0x3F80, 0xC000, 0x4049], floats);

        Assert.Equal([1f, -2f, 3.140625f, 7f], floats);
    }

    [Fact]
    public void Every_bfloat16_survives_the_way_to_float_and_back()
    {
        float[] floats = new float[AllPatterns.Length];
        ushort[] back = new ushort[AllPatterns.Length];

        FloatConversion.WidenBFloat16(AllPatterns, floats);
        FloatConversion.NarrowBFloat16(floats, back);

        // A signalling NaN comes back quiet.
        Assert.Equal(AllPatterns.Select((bits, index) => float.IsNaN(floats[index]) ? (ushort)(bits | 0x40) : bits), back);
    }

    [Fact]
    public void Every_half_survives_the_way_to_float_and_back()
    {
        float[] floats = new float[AllPatterns.Length];
        Half[] back = new Half[AllPatterns.Length];
        ReadOnlySpan<Half> halves = MemoryMarshal.Cast<ushort, Half>(AllPatterns);

        FloatConversion.WidenHalf(halves, floats);
        FloatConversion.NarrowHalf(floats, back);

        for (int index = 0; index < back.Length; index++)
        {
            Assert.Equal(Half.IsNaN(halves[index]), float.IsNaN(floats[index]));
            if (!Half.IsNaN(halves[index]))
                Assert.Equal(AllPatterns[index], BitConverter.HalfToUInt16Bits(back[index]));
        }
    }

    [Theory]
    [InlineData(0x0001, 5.9604645e-8f)] // smallest subnormal, 2^-24
    [InlineData(0x03FF, 6.097555e-5f)] // largest subnormal, 1023·2^-24
    [InlineData(0x0400, 6.103515625e-5f)] // smallest normal, 2^-14
    [InlineData(0x7BFF, 65504f)]
    [InlineData(0xC000, -2f)]
    [InlineData(0x7C00, float.PositiveInfinity)]
    public void Known_halves_widen_to_their_values(int bits, float expected)
    {
        float[] floats = new float[1];

        FloatConversion.WidenHalf([BitConverter.UInt16BitsToHalf((ushort)bits)], floats);

        Assert.Equal(expected, floats[0]);
    }

    [Theory]
    [InlineData(0x3F808000u, 0x3F80)] // a tie, to the even neighbour below
    [InlineData(0x3F818000u, 0x3F82)] // a tie, to the even neighbour above
    [InlineData(0x3F808001u, 0x3F81)] // just above a tie
    [InlineData(0x3F807FFFu, 0x3F80)] // just below a tie
    [InlineData(0xBF818000u, 0xBF82)] // the sign plays no part
    [InlineData(0x7F7FFFFFu, 0x7F80)] // the largest float becomes infinite
    [InlineData(0x00000001u, 0x0000)] // the smallest subnormal vanishes
    public void Floats_narrow_to_the_nearest_bfloat16(uint bits, int expected)
    {
        ushort[] narrow = new ushort[1];

        FloatConversion.NarrowBFloat16([BitConverter.UInt32BitsToSingle(bits)], narrow);

        Assert.Equal(expected, narrow[0]);
    }
}
