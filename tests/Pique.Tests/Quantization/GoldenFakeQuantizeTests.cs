using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

/// <summary>The fake quantizer against PyTorch: its own fake quantization, and the stated formulas under its autograd. Golden/make_fake_quantize.py made the numbers.</summary>
public sealed class GoldenFakeQuantizeTests
{
    /// <summary>Estimators whose slope is a sum: the order its float32 operations are done in is not part of their definition. Relative to the sum of both gradients, since the terms may cancel.</summary>
    private const double SlopeTolerance = 1e-6;

    /// <summary>Relative to the sum of the magnitudes of what a group's gradient adds up.</summary>
    private const double SumTolerance = 1e-6;

    public static TheoryData<string> Names => [.. GoldenFakeQuantizeCase.All.Select(golden => golden.Name)];

    [Fact]
    public void Every_bit_width_grid_granularity_and_estimator_has_its_cases() => Assert.Equal(162, GoldenFakeQuantizeCase.All.Count);

    [Theory]
    [MemberData(nameof(Names))]
    public void The_forward_pass_is_equal_bit_for_bit(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        GoldenFakeQuantizeCase golden = Case(name);
        using Parameter weight = new(Matrix(golden.Values("weights")!));
        using FakeQuantizer quantizer = Create(golden, weight);

        Assert.Equal(QuantizationCases.Bits(golden.Values("output")!), QuantizationCases.Bits(quantizer.forward(weight)));
        Assert.Equal(golden.Values("output")!, quantizer.Quantize(weight).DequantizeToArray());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_gradient_of_the_weight_is_equal(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        GoldenFakeQuantizeCase golden = Case(name);
        using Parameter weight = new(Matrix(golden.Values("weights")!));
        using FakeQuantizer quantizer = Create(golden, weight);
        quantizer.forward(weight).backward([Matrix(GoldenFakeQuantizeCase.Upstream)]);

        float[] expected = golden.Values("weight_gradient")!;
        float[] found = weight.grad!.data<float>().ToArray();
        if (golden.Estimator is "lsq" or "clipped")
        {
            Assert.Equal(expected, found);
            return;
        }

        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(found[i] - (double)expected[i]) <= SlopeTolerance * (Math.Abs((double)expected[i]) + Math.Abs(GoldenFakeQuantizeCase.Upstream[i])), $"[{i}]: found {found[i]:R}, expected {expected[i]:R}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_gradients_of_trained_scales_and_zero_points_are_equal(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        GoldenFakeQuantizeCase golden = Case(name);
        using Parameter weight = new(Matrix(golden.Values("weights")!));
        using FakeQuantizer quantizer = Create(golden, weight);
        quantizer.forward(weight).backward([Matrix(GoldenFakeQuantizeCase.Upstream)]);

        Assert.Equal(golden.Spec.LearnsScale, quantizer.LearnedParameter is not null);
        if (golden.Values("scale_gradient") is { } expected)
            AssertSums(expected, golden.Values("scale_gradient_terms")!, quantizer.LearnedParameter!.grad!);
        if (golden.Values("zero_point_gradient") is { } zeroPoints)
            AssertSums(zeroPoints, golden.Values("zero_point_gradient_terms")!, quantizer.LearnedZeroPoint!.grad!);
    }

    private static void AssertSums(float[] expected, float[] terms, Tensor gradient)
    {
        float[] found = gradient.data<float>().ToArray();
        Assert.Equal(expected.Length, found.Length);
        for (int group = 0; group < expected.Length; group++)
            Assert.True(Math.Abs(found[group] - (double)expected[group]) <= SumTolerance * terms[group], $"group {group}: found {found[group]:R}, expected {expected[group]:R}");
    }

    private static GoldenFakeQuantizeCase Case(string name) => GoldenFakeQuantizeCase.All.Single(golden => golden.Name == name);

    private static FakeQuantizer Create(GoldenFakeQuantizeCase golden, Tensor weight)
    {
        WeightQuantizationSpec spec = golden.Spec;
        long[] shape = GroupLayout.For(spec.Granularity, GoldenFakeQuantizeCase.Rows, GoldenFakeQuantizeCase.Columns).ScaleShape;
        using GroupScales scales = new(tensor(golden.Values("scales")!, shape), golden.Values("zero_points") is { } zeroPoints ? tensor(zeroPoints, shape) : null);
        return FakeQuantizer.Create(golden.Name, spec, weight, scales);
    }

    private static Tensor Matrix(float[] values) => QuantizationCases.Matrix(values, GoldenFakeQuantizeCase.Rows, GoldenFakeQuantizeCase.Columns);
}
