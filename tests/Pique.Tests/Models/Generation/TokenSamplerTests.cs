using Pique.Models.Generation;

namespace Pique.Tests.Models.Generation;

public class TokenSamplerTests
{
    // Probabilities 0.1, 0.4, 0.2, 0.3 at temperature 1.
    private static readonly float[] Logits = [MathF.Log(1), MathF.Log(4), MathF.Log(2), MathF.Log(3)];

    [Theory]
    [InlineData(1.0, 1.0, new[] { 0.1, 0.4, 0.2, 0.3 })]
    [InlineData(1.0, 0.65, new[] { 0, 4 / 7.0, 0, 3 / 7.0 })]
    [InlineData(1.0, 0.75, new[] { 0, 4 / 9.0, 2 / 9.0, 3 / 9.0 })]
    [InlineData(0.5, 1.0, new[] { 1 / 30.0, 16 / 30.0, 4 / 30.0, 9 / 30.0 })]
    [InlineData(1.0, 0.01, new[] { 0, 1.0, 0, 0 })]
    public void Frequencies_follow_temperature_and_top_p(double temperature, double topP, double[] expected)
    {
        GenerationOptions options = new() { Temperature = temperature, TopP = topP };
        Random stream = TokenSampler.CreateStream(seed: 17, row: 0);
        const int Draws = 20_000;
        int[] counts = new int[4];

        for (int draw = 0; draw < Draws; draw++)
            counts[TokenSampler.Sample(Logits, options, stream)]++;

        for (int token = 0; token < 4; token++)
        {
            // Five standard deviations of a binomial count; none where the probability is 0 or 1.
            double deviation = 5 * Math.Sqrt(expected[token] * (1 - expected[token]) / Draws);
            Assert.InRange(counts[token] / (double)Draws, expected[token] - deviation - 1e-12, expected[token] + deviation + 1e-12);
        }
    }

    [Fact]
    public void Of_equal_logits_the_lower_id_is_the_likeliest() =>
        Assert.Equal(1, TokenSampler.Sample([0, 5, 5], new(), TokenSampler.CreateStream(0, 0)));

    [Fact]
    public void A_logit_that_is_no_number_is_refused()
    {
        RunFailedException error = Assert.Throws<RunFailedException>(() => TokenSampler.Sample([0, float.NaN], new(), TokenSampler.CreateStream(0, 0)));

        Assert.Equal("Generation: the logit of token 1 is not a number; the model's weights or its input are broken. Check the model with inspect.", error.Message);
    }

    [Fact]
    public void Neighbouring_rows_and_seeds_have_streams_of_their_own()
    {
        double[] draws = [.. from seed in Enumerable.Range(0, 5) from row in Enumerable.Range(0, 5) select TokenSampler.CreateStream(seed, row).NextDouble()];

        Assert.Equal(25, draws.Distinct().Count());
    }
}
