using Pique.Calibration;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
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

    [Theory]
    [InlineData(CalibrationMethod.Percentile)]
    [InlineData(CalibrationMethod.Entropy)]
    public void A_few_outliers_are_clipped_by_one_ratio_for_all_groups(CalibrationMethod method)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = randn([64, 64], generator: new Generator(3));
        weight[5, 5] = tensor(60f);
        weight[9, 1] = tensor(-50f);
        WeightQuantizationSpec spec = new(4, new QuantGranularity.PerTensor(), new SteVariant.LearnedStepSize());

        float clipped = Scale(new WeightScales(method, percentile: 0.999));
        float covering = Scale(new WeightScales(CalibrationMethod.Rtn));
        Assert.InRange(clipped / covering, 0.01f, 0.3f);

        WeightQuantizationSpec rows = spec with { Granularity = new QuantGranularity.PerChannel() };
        float[] ratios = new WeightScales(method).Find("layer", rows, weight, null).Scales.div(new WeightScales(CalibrationMethod.Rtn).Find("layer", rows, weight, null).Scales).data<float>().ToArray();
        Assert.All(ratios, ratio => Assert.Equal(ratios[0], ratio, 0.002f));

        float Scale(WeightScales search) => search.Find("layer", spec, weight, null).Scales.item<float>();
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
