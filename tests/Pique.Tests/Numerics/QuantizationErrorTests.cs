using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class QuantizationErrorTests
{
    [Fact]
    public void Measures_follow_their_formulas()
    {
        using Tensor original = tensor(new[] { 3f, 4f });
        using Tensor quantized = tensor(new[] { 3f, 3f });
        QuantizationError error = QuantizationError.Measure(original, quantized);
        Assert.Equal(0.5, error.MeanSquaredError, 12);
        Assert.Equal(10 * Math.Log10(25), error.SqnrDecibels, 12);
        Assert.Equal(21 / Math.Sqrt(25 * 18), error.CosineSimilarity, 12);
    }

    [Fact]
    public void Nothing_lost_is_infinite_decibels()
    {
        using Tensor weights = zeros(3);
        Assert.Equal(new QuantizationError(0, double.PositiveInfinity, 1), QuantizationError.Measure(weights, weights));
    }
}
