using Pique.Numerics;
using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels.Optimizer;

public sealed unsafe class StochasticRoundingTests
{
    private const int Draws = 1 << 16;

    /// <summary>1 + k/16 of bfloat16's step 2⁻⁷: the share of roundings up is k/16 within five standard deviations of a binomial count.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(15)]
    public void A_value_between_two_is_rounded_up_in_proportion_to_its_place(int sixteenths)
    {
        const float Step = 1f / 128;
        foreach (float sign in new[] { 1f, -1f })
        {
            float value = sign * (1 + (sixteenths / 16f * Step));
            float[] rounded = Round([.. Enumerable.Repeat(value, Draws)], seed: 11);
            Assert.All(rounded, result => Assert.True(result == sign || result == sign * (1 + Step)));
            double share = sixteenths / 16.0, count = rounded.Count(result => result != sign);
            Assert.InRange(count, (share * Draws) - (5 * Math.Sqrt(share * (1 - share) * Draws)), (share * Draws) + (5 * Math.Sqrt(share * (1 - share) * Draws)));
        }
    }

    [Fact]
    public void The_mean_over_many_updates_is_the_value()
    {
        Random random = new(2);
        float[] values = [.. Enumerable.Range(0, 64).Select(_ => (float)(random.NextDouble() - 0.5))];
        double[] sums = new double[values.Length];
        for (int update = 0; update < 4096; update++)
        {
            float[] rounded = Round(values, update);
            for (int i = 0; i < values.Length; i++)
                sums[i] += rounded[i];
        }

        // A rounding is off by at most a step of 2⁻⁸ relative to the power of two below; its standard deviation is at most half of it.
        Assert.All(values.Zip(sums), pair => Assert.Equal(pair.First, pair.Second / 4096, 5 * Math.Abs(pair.First) / 128 / 2 / 64));
    }

    [Fact]
    public void Neighbours_round_independently()
    {
        float[] rounded = Round([.. Enumerable.Repeat(1 + (1f / 256), Draws)], seed: 4);
        for (int distance = 1; distance <= 16; distance++)
        {
            int agreements = Enumerable.Range(0, Draws - distance).Count(i => rounded[i] == rounded[i + distance]);
            Assert.InRange(agreements, (Draws / 2) - 700, (Draws / 2) + 700);
        }
    }

    [Fact]
    public void Same_stream_same_bits_another_stream_others_and_what_bfloat16_holds_stays()
    {
        float[] values = [.. Enumerable.Range(1, 1000).Select(i => 1f / i)];
        Assert.Equal(Round(values, 7), Round(values, 7));
        Assert.NotEqual(Round(values, 7), Round(values, 8));
        float[] held = [0, -0f, 1, -2.5f, 1e-38f, float.PositiveInfinity, .. Round(values, 7)];
        held[4] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(held[4]) & 0xFFFF0000);
        Assert.Equal(held, Round(held, 9));
        Assert.True(float.IsNaN(Round([float.NaN], 1)[0]));
    }

    private static float[] Round(float[] values, long seed)
    {
        ulong state = SplitMix64.ForStream(seed, 1).State;
        ushort[] rounded = new ushort[values.Length];
        float[] read = new float[values.Length];
        fixed (float* source = values, destination = read)
        fixed (ushort* between = rounded)
        {
            StochasticRounding.Round<Lanes256>(source, between, values.Length, state, 0);
            StochasticRounding.Widen<Lanes256>(between, destination, values.Length);
        }

        return read;
    }
}
