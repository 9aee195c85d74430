using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels.Optimizer;

public sealed unsafe class MomentCodesTests
{
    private const int Count = 256;

    /// <summary>Half a step at x is 2·x^(−¼)/C of x, and at most the distance to the next code where that is greater; some roundings of float32 beside it.</summary>
    [Theory]
    [InlineData(1f)]
    [InlineData(1e-12f)]
    [InlineData(3e15f)]
    public void Moments_come_back_within_half_a_step(float scale)
    {
        Random random = new(3);
        float[] first = new float[Count], second = new float[Count];
        for (int i = 0; i < Count; i++)
        {
            first[i] = scale * (float)(Math.Pow(10, -6 * random.NextDouble()) * (random.Next(2) == 0 ? -1 : 1));
            second[i] = scale * (float)Math.Pow(10, -8 * random.NextDouble());
        }

        (float[] readFirst, float[] readSecond) = ThereAndBack(first, second);
        float largestFirst = first.Max(MathF.Abs), largestSecond = second.Max();
        for (int i = 0; i < Count; i++)
        {
            Assert.Equal(first[i], readFirst[i], Bound(first[i], largestFirst, 127));
            Assert.Equal(second[i], readSecond[i], Bound(second[i], largestSecond, 255));
        }

        Assert.Equal(largestFirst, readFirst.Max(MathF.Abs));
        Assert.Equal(largestSecond, readSecond.Max());
    }

    [Fact]
    public void A_second_moment_above_zero_never_becomes_zero_and_zeros_stay()
    {
        float[] first = new float[Count], second = new float[Count];
        (first[0], second[0]) = (1, 1);
        (first[1], second[1]) = (1e-30f, 1e-30f);
        (first[2], second[2]) = (-1e-3f, float.Epsilon);
        (float[] readFirst, float[] readSecond) = ThereAndBack(first, second);
        Assert.Equal(0, readFirst[1]);
        Assert.InRange(readSecond[1], 2e-10f, 3e-10f);
        Assert.InRange(readSecond[2], 2e-10f, 3e-10f);
        Assert.InRange(readFirst[2], -1.2e-3f, -0.8e-3f);
        Assert.All(readFirst[3..].Concat(readSecond[3..]), value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_block_below_the_normal_numbers_counts_as_zeros()
    {
        float[] tiny = [.. Enumerable.Repeat(float.Epsilon, Count)];
        (float[] first, float[] second) = ThereAndBack(tiny, tiny);
        Assert.All(first.Concat(second), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Every_code_is_written_back_as_it_was_read()
    {
        float[] first = new float[Count], second = new float[Count];
        byte[] firstCodes = new byte[Count], secondCodes = new byte[Count], firstAgain = new byte[Count], secondAgain = new byte[Count];
        for (int i = 0; i < Count; i++)
        {
            firstCodes[i] = (byte)Math.Max(1, i);
            secondCodes[i] = (byte)i;
        }

        fixed (float* firsts = first, seconds = second)
        fixed (byte* a = firstCodes, b = secondCodes, c = firstAgain, d = secondAgain)
        {
            float firstScale = 0.7f, secondScale = 0.3f;
            AdamWParameter parameter = new() { First = firsts, Second = seconds, FirstCodes = a, SecondCodes = b, FirstScales = &firstScale, SecondScales = &secondScale };
            AdamWBlock block = new(parameter with { FirstCodes = null }, 0, null);
            MomentCodes.ReadScalar(parameter, 0, block, Count);
            MomentCodes.WriteScalar(parameter with { FirstCodes = c, SecondCodes = d }, 0, block, Count);
            Assert.Equal((0.7f, 0.3f), (firstScale, secondScale));
        }

        Assert.Equal(firstCodes, firstAgain);
        Assert.Equal(secondCodes, secondAgain);
    }

    private static float Bound(float value, float largest, float steps)
    {
        double root = Math.Pow(Math.Abs(value) / (double)largest, 0.25);
        double halfStep = Math.Pow(root + (0.5 / steps), 4) - Math.Pow(root, 4);
        return (float)(largest * ((halfStep * 1.001) + 1e-6));
    }

    private static (float[] First, float[] Second) ThereAndBack(float[] first, float[] second)
    {
        float[] firstRead = [.. first], secondRead = [.. second];
        byte[] codes = new byte[2 * Count];
        float[] scales = new float[2];
        fixed (float* firsts = firstRead, seconds = secondRead, scale = scales)
        fixed (byte* code = codes)
        {
            AdamWParameter parameter = new() { First = firsts, Second = seconds, FirstCodes = code, SecondCodes = code + Count, FirstScales = scale, SecondScales = scale + 1 };
            AdamWBlock block = new(parameter with { FirstCodes = null }, 0, null);
            MomentCodes.WriteScalar(parameter, 0, block, Count);
            MomentCodes.ReadScalar(parameter, 0, block, Count);
        }

        return (firstRead, secondRead);
    }
}
