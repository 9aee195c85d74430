using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class SpectralDistortionTests
{
    /// <summary>By hand: F(w) of [[1, 2], [3, 4]] is [[10, −2], [−4, 0]], F(ŵ) of [[1, 2], [3, 3]] is [[9, −1], [−3, −1]]: each of the four magnitudes differs by one.</summary>
    [Fact]
    public void Magnitudes_of_the_two_dimensional_transform_are_compared()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor original = tensor(new[] { 1f, 2f, 3f, 4f }, [2, 2]);
        Tensor quantized = tensor(new[] { 1f, 2f, 3f, 3f }, [2, 2]);
        Assert.Equal(4.0 / 120, SpectralDistortion.Measure(original, quantized), 12);
    }

    [Fact]
    public void A_shift_changes_phases_only()
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(3);
        Tensor original = randn([6, 10], generator: generator);
        Assert.InRange(SpectralDistortion.Measure(original, original.roll([2, 3], [0, 1])), 0, 1e-28);
        Assert.InRange(SpectralDistortion.Measure(original, original.neg()), 0, 1e-28);
    }

    [Fact]
    public void It_is_at_most_the_ratio_of_the_squared_errors()
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(4);
        Tensor original = randn([8, 12], generator: generator);
        Tensor quantized = original.add(randn([8, 12], generator: generator).mul(0.1f));
        double ratio = Math.Pow(10, -QuantizationError.Measure(original, quantized).SqnrDecibels / 10);
        Assert.InRange(SpectralDistortion.Measure(original, quantized), ratio / 100, ratio);
    }

    [Fact]
    public void Empty_and_zero_matrices_have_an_answer()
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal(0, SpectralDistortion.Measure(zeros(0, 3), zeros(0, 3)));
        Assert.Equal(0, SpectralDistortion.Measure(zeros(2, 3), zeros(2, 3)));
        Assert.Equal(1, SpectralDistortion.Measure(ones(2, 3), zeros(2, 3)), 12);
        Assert.Equal(double.PositiveInfinity, SpectralDistortion.Measure(zeros(2, 3), ones(2, 3)));
    }

    [Fact]
    public void Other_shapes_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal("Found shape [3, 2], expected [2, 3]. (Parameter 'quantized')", Assert.Throws<ArgumentException>(() => SpectralDistortion.Measure(zeros(2, 3), zeros(3, 2))).Message);
        Assert.Equal("Found shape [3], expected [rows, columns]. (Parameter 'original')", Assert.Throws<ArgumentException>(() => SpectralDistortion.Measure(zeros(3), zeros(3))).Message);
    }
}
