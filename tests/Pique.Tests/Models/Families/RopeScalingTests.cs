using Pique.Models.Families;

namespace Pique.Tests.Models.Families;

public class RopeScalingTests
{
    [Fact]
    public void Llama_3_2_keeps_15_frequencies_blends_3_and_divides_14_by_32()
    {
        double[] divisors = new RopeScaling.Llama3(32f, 1f, 4f, 8192).FrequencyDivisors(64, 500000f);

        // λ = 2π·500000^(i/32); below 2048 tokens kept, above 8192 divided; between, with s = (8192/λ − 1)/3, f becomes (1 − s)·f/32 + s·f: evaluated in Python floats.
        Assert.Equal(32, divisors.Length);
        Assert.All(divisors[..15], divisor => Assert.Equal(1, divisor));
        Assert.Equal(1.65132925, divisors[15], tolerance: 1e-8);
        Assert.Equal(3.29226210, divisors[16], tolerance: 1e-8);
        Assert.Equal(9.66672898, divisors[17], tolerance: 1e-8);
        Assert.All(divisors[18..], divisor => Assert.Equal(32, divisor));
    }

    [Fact]
    public void Llama_3_1_keeps_29_frequencies_blends_6_and_divides_29_by_8()
    {
        double[] divisors = new RopeScaling.Llama3(8f, 1f, 4f, 8192).FrequencyDivisors(128, 500000f);

        // By the same formula as above.
        double[] blended = [1.20748387, 1.55341463, 2.02631321, 2.69452969, 3.68425253, 5.25732659];
        Assert.All(divisors[..29], divisor => Assert.Equal(1, divisor));
        Assert.All(blended.Zip(divisors[29..35]), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-8));
        Assert.All(divisors[35..], divisor => Assert.Equal(8, divisor));
    }

    [Fact]
    public void Linear_scaling_divides_every_frequency() =>
        Assert.Equal([2.5, 2.5, 2.5], new RopeScaling.Linear(2.5f).FrequencyDivisors(6, 10000f));

    [Fact]
    public void Impossible_numbers_are_named_all_of_them()
    {
        Assert.Empty(new RopeScaling.Linear(0.5f).Faults());
        Assert.Empty(new RopeScaling.Llama3(32f, 1f, 4f, 8192).Faults());
        Assert.Equal(["factor is 0, expected a finite number above 0"], new RopeScaling.Linear(0f).Faults());
        Assert.Equal(
            [
                "factor is NaN, expected a finite number above 0",
                "low_freq_factor is -1, expected a finite number above 0",
                "high_freq_factor is -1, expected a finite number above low_freq_factor -1",
                "original_max_position_embeddings is 0, expected at least 1",
            ],
            new RopeScaling.Llama3(float.NaN, -1f, -1f, 0).Faults());
    }
}
