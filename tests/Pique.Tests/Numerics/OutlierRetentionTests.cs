using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class OutlierRetentionTests
{
    private static readonly GroupLayout Rows = GroupLayout.For(new QuantGranularity.PerChannel(), 2, 200);

    /// <summary>Of 400 weights the four largest count; the others change by more than any scale.</summary>
    [Theory]
    [InlineData(0.5f, 0.25f, 1.0)]
    [InlineData(0.5f, 0.24f, 0.5)]
    [InlineData(0.49f, 0.25f, 0.5)]
    [InlineData(0.49f, 0.24f, 0.0)]
    public void Each_outlier_is_judged_by_the_scale_of_its_group(float firstScale, float secondScale, double expected)
    {
        using DisposeScope scope = NewDisposeScope();
        float[] original = Enumerable.Range(0, 400).Select(index => (index % 7) * 0.25f).ToArray();
        (original[3], original[150], original[260], original[399]) = (9f, -8f, -7f, 6f);
        float[] quantized = original.Select(weight => weight + 20f).ToArray();
        (quantized[3], quantized[150], quantized[260], quantized[399]) = (8.5f, -7.5f, -7.25f, 5.75f);
        Assert.Equal(expected, OutlierRetention.Measure(tensor(original, [2, 200]), tensor(quantized, [2, 200]), Rows, tensor(new[] { firstScale, secondScale }, [2, 1])));
    }

    [Fact]
    public void A_small_matrix_has_one_outlier_and_all_its_equals()
    {
        using DisposeScope scope = NewDisposeScope();
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerBlock(2), 1, 4);
        Tensor original = tensor(new[] { 2f, 1f, -2f, 0f }, [1, 4]);
        Tensor quantized = tensor(new[] { 1f, 1f, -1f, 0f }, [1, 4]);
        Assert.Equal(0.5, OutlierRetention.Measure(original, quantized, layout, tensor(new[] { 0.5f, 1f }, [1, 2])));
    }

    [Fact]
    public void No_weights_lose_nothing()
    {
        using DisposeScope scope = NewDisposeScope();
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerChannel(), 0, 4);
        Assert.Equal(1, OutlierRetention.Measure(zeros(0, 4), zeros(0, 4), layout, zeros(0, 1)));
    }

    [Fact]
    public void Shapes_that_disagree_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        string Refusal(Tensor original, Tensor quantized, Tensor scales) =>
            Assert.Throws<ArgumentException>(() => OutlierRetention.Measure(original, quantized, Rows, scales)).Message;
        Assert.Equal("Found shape [2, 3], expected [2, 200]. (Parameter 'quantized')", Refusal(zeros(2, 200), zeros(2, 3), zeros(2, 1)));
        Assert.Equal("Found shape [2, 3], expected [2, 200]. (Parameter 'original')", Refusal(zeros(2, 3), zeros(2, 3), zeros(2, 1)));
        Assert.Equal("Found scales of shape [1, 1], expected [2, 1]. (Parameter 'scales')", Refusal(zeros(2, 200), zeros(2, 200), zeros(1, 1)));
    }
}
