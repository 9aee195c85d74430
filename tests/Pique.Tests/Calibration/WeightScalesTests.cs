using Pique.Calibration;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using Pique.Tests.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Calibration;

public sealed class WeightScalesTests
{
    [Fact]
    public void Every_method_finds_scales_on_every_grid_that_a_file_holds()
    {
        using Tensor weight = QuantizationCases.Matrix(QuantizationCases.Weights(9, 300, seed: 4), 9, 300);
        using Tensor importance = arange(HeldScalar.Of(1), HeldScalar.Of(301)).to(ScalarType.Float64);
        foreach (WeightQuantizationSpec spec in QuantizationCases.LearnedAndNot())
        {
            foreach (CalibrationMethod method in Enum.GetValues<CalibrationMethod>())
            {
                using DisposeScope scope = NewDisposeScope();
                using GroupScales found = new WeightScales(method).Find("layer", spec, weight, importance);
                using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, found);
                Assert.Equal(QuantizationCases.Bits(found.Scales), QuantizationCases.Bits(quantizer.CurrentScales(weight).Scales));
            }
        }
    }

    [Fact]
    public void A_frozen_weight_rounded_in_pieces_is_the_one_rounded_whole_by_every_method()
    {
        // More than one piece of 2²² weights.
        const long Many = 4_200, Width = 1024;
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = randn([Many, Width], generator: new Generator(3)).mul(arange(HeldScalar.Of(1), HeldScalar.Of(Many + 1)).view(-1, 1).to(ScalarType.Float32));
        weight[5, 5] = tensor(300f);
        using FrozenWeight frozen = FrozenWeightBuilder.Of(null, weight);
        foreach (QuantGranularity granularity in (QuantGranularity[])[new QuantGranularity.PerChannel(), new QuantGranularity.PerTensor(), new QuantGranularity.PerBlock(32)])
        {
            WeightQuantizationSpec spec = new(3, granularity, new SteVariant.LearnedStepSize()) { TwoLevelScales = granularity is QuantGranularity.PerBlock };
            foreach (CalibrationMethod method in Enum.GetValues<CalibrationMethod>())
            {
                WeightScales search = new(method, percentile: 0.98);
                using GroupScales found = search.Find("layer", spec, weight, null);
                using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, found);
                QuantizedTensor expected = quantizer.Quantize(weight);

                QuantizedTensor actual = search.Round("layer", spec, frozen);

                Assert.True(expected.Scales.Span.SequenceEqual(actual.Scales.Span), $"{method}, {granularity}");
                Assert.True(expected.PackedCodes.Span.SequenceEqual(actual.PackedCodes.Span), $"{method}, {granularity}");
                Assert.Equal(expected.SubScales?.ToArray(), actual.SubScales?.ToArray());
            }
        }
    }

    [Theory]
    [InlineData(CalibrationMethod.Percentile)]
    [InlineData(CalibrationMethod.Entropy)]
    public void Outliers_are_clipped_at_one_multiple_of_each_groups_root_mean_square(CalibrationMethod method)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = randn([64, 640], generator: new Generator(3)).mul(arange(HeldScalar.Of(1), HeldScalar.Of(65)).view(-1, 1).to(ScalarType.Float32));
        weight[5, 5] = tensor(300f);
        weight[9, 1] = tensor(-400f);
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize());

        float[] found = new WeightScales(method, percentile: 0.99).Find("layer", spec, weight, null).Scales.data<float>().ToArray();

        float[] covering = new WeightScales(CalibrationMethod.Rtn).Find("layer", spec, weight, null).Scales.data<float>().ToArray();
        float[] clips = [.. weight.Squared().mean([1]).sqrt().data<float>().ToArray().Select((deviation, row) => found[row] * weight[row].abs().max().item<float>() / covering[row] / deviation)];
        float multiple = clips.Max();
        Assert.InRange(multiple, 1.5f, 3f);
        Assert.All([5, 9, 30, 60], row => Assert.Equal(multiple, clips[row], 0.01f));
        Assert.All(found.Zip(covering), pair => Assert.True(pair.First <= pair.Second));
    }

    [Fact]
    public void Zeros_and_matrices_without_weights_have_scales_all_the_same()
    {
        using DisposeScope scope = NewDisposeScope();
        WeightQuantizationSpec spec = new(4, new QuantGranularity.PerBlock(3), new SteVariant.LearnedStepSize());
        foreach (CalibrationMethod method in Enum.GetValues<CalibrationMethod>())
        {
            Assert.All(new WeightScales(method).Find("layer", spec, zeros(3, 8), null).Scales.data<float>().ToArray(), scale => Assert.Equal(HalfScale.Floor, scale));
            Assert.Equal([0, 3], new WeightScales(method).Find("layer", spec, zeros(0, 8), null).Scales.shape);
        }
    }

    [Fact]
    public void A_whole_percentile_is_the_covering_scale()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = randn([8, 32], generator: new Generator(3));
        WeightQuantizationSpec spec = new(4, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize());
        Assert.Equal(
            new WeightScales(CalibrationMethod.Rtn).Find("layer", spec, weight, null).Scales.data<float>().ToArray(),
            new WeightScales(CalibrationMethod.Percentile, percentile: 1).Find("layer", spec, weight, null).Scales.data<float>().ToArray());
    }
}
