using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

public sealed class FixedCodesTests
{
    private const int Rows = 7;
    private const int Columns = 43;
    private static readonly float[] Weights = QuantizationCases.Weights(Rows, Columns, seed: 11);

    [Fact]
    public void Fixing_the_codes_changes_no_bit_of_the_forward_pass_or_of_what_ships()
    {
        foreach (WeightQuantizationSpec spec in QuantizationCases.LearnedAndNot())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor weight = QuantizationCases.Matrix(Weights, Rows, Columns);
            using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.MinimumError);
            using FakeQuantizer @fixed = quantizer.FixCodes(weight);

            Assert.Equal(QuantizationCases.Bits(quantizer.forward(weight)), QuantizationCases.Bits(@fixed.forward(weight)));
            QuantizedTensor expected = quantizer.Quantize(weight), packed = @fixed.Quantize(weight);
            Assert.True(expected.PackedCodes.Span.SequenceEqual(packed.PackedCodes.Span), spec.ToString());
            Assert.True(expected.Scales.Span.SequenceEqual(packed.Scales.Span), spec.ToString());
        }
    }

    [Fact]
    public void Whatever_becomes_of_the_scales_the_codes_stay_and_what_ships_is_the_forward_pass_bit_for_bit()
    {
        foreach (WeightQuantizationSpec spec in QuantizationCases.LearnedAndNot())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor weight = QuantizationCases.Matrix(Weights, Rows, Columns);
            using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.MinimumError);
            byte[] codes = quantizer.Quantize(weight).PackedCodes.ToArray();
            using FakeQuantizer @fixed = quantizer.FixCodes(weight);
            using (no_grad())
                @fixed.LearnedParameter!.mul_(linspace(0.6, 1.7, @fixed.LearnedParameter.numel()).reshape(@fixed.LearnedParameter.shape));

            QuantizedTensor packed = @fixed.Quantize(weight);

            Assert.True(codes.AsSpan().SequenceEqual(packed.PackedCodes.Span), spec.ToString());
            Assert.Equal(QuantizationCases.Bits(packed.Dequantize()), QuantizationCases.Bits(@fixed.forward(weight)));
        }
    }

    [Theory]
    [InlineData(GridKind.TwosComplement, null)]
    [InlineData(GridKind.HalfInteger, null)]
    [InlineData(GridKind.Affine, null)]
    [InlineData(GridKind.TwosComplement, 3)]
    public void The_gradient_of_a_scale_is_the_sum_of_levels_times_gradients_of_its_weights(GridKind kind, int? piK)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = QuantizationCases.Matrix(Weights, Rows, Columns), upstream = randn([Rows, Columns], generator: new Generator(3));
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerBlock(16), new SteVariant.Standard(), piK, kind);
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.MinimumError);
        using FakeQuantizer @fixed = quantizer.FixCodes(weight);

        @fixed.forward(weight).mul(upstream).sum().backward();

        QuantizedTensor packed = @fixed.Quantize(weight);
        float[] values = packed.DequantizeToArray(), gradients = upstream.data<float>().ToArray();
        double[] expected = new double[packed.Layout.GroupCount];
        for (int index = 0; index < values.Length; index++)
        {
            long group = packed.Layout.GroupOf(index);
            expected[group] += values[index] / packed.ScaleOf(group) * gradients[index] * (piK is { } k ? Math.PI / k : 1);
        }

        float[] found = @fixed.LearnedParameter!.grad!.data<float>().ToArray();
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.Null(@fixed.LearnedZeroPoint?.grad);
    }

    [Fact]
    public void Codes_are_fixed_once()
    {
        using Tensor weight = QuantizationCases.Matrix(Weights, Rows, Columns);
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", new(2, new QuantGranularity.PerChannel(), new SteVariant.Standard()), weight, ScaleMethod.AbsMax);
        using FakeQuantizer @fixed = quantizer.FixCodes(weight);

        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(() => @fixed.FixCodes(weight));

        Assert.Equal("layer: its codes are fixed already.", failure.Message);
        Assert.Equal((false, true), (quantizer.HasFixedCodes, @fixed.HasFixedCodes));
    }

    [Fact]
    public void A_model_of_fixed_codes_trains_its_scales_and_nothing_else()
    {
        using LlamaModel model = TinyRun.Model();
        ModelQuantizer.Prepare(
            model.QuantizableLayers, _ => new WeightQuantizationSpec(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize(), Kind: GridKind.Affine), ScaleMethod.AbsMax);

        ModelQuantizer.FixCodes(model, model.QuantizableLayers);

        Assert.All(model.parameters(), parameter => Assert.False(parameter.requires_grad));
        Assert.All(model.QuantizableLayers, entry => Assert.Equal(
            (true, false), (entry.Layer.WeightQuantizer!.LearnedParameter!.requires_grad, entry.Layer.WeightQuantizer.LearnedZeroPoint!.requires_grad)));
        Pique.Training.TrainedParameters trained = Pique.Training.TrainedParameters.Of(model);
        Assert.Empty(trained.Weights);
        Assert.All(trained.Quantization, item => Assert.EndsWith(".scale", item.Name, StringComparison.Ordinal));
        Assert.Superset(model.named_parameters().Select(entry => entry.name).ToHashSet(), trained.Saved.Select(item => item.Name).ToHashSet());
    }
}
