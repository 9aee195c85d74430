using Pique.Calibration;
using Pique.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Calibration.Checks;

public sealed class ActivationCheckTests
{
    private const int Tokens = 12;
    private const int Features = 4;

    /// <summary>Two records in a row of twelve tokens, with two tokens of padding behind them.</summary>
    private static readonly RecordPlace[] Places = [new(0, 0, 5, "a.txt:1"), new(0, 5, 5, "a.txt:9")];

    private readonly ActivationCheck _check = new("model.layers.3.mlp.down_proj");

    [Fact]
    public void Ordinary_inputs_raise_nothing()
    {
        for (ulong seed = 0; seed < 6; seed++)
            Add(Inputs(seed));
        Assert.Empty(_check.Findings());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Values_that_are_no_numbers_are_refused_by_record_and_layer(float poison)
    {
        float[] inputs = Inputs(seed: 1);
        inputs[(7 * Features) + 2] = poison;
        inputs[(8 * Features) + 1] = poison;
        Add(inputs);

        CalibrationFinding finding = Assert.Single(_check.Findings());
        Assert.True(finding.IsFatal);
        Assert.Equal(
            "a.txt:9: 2 of the 20 inputs that the record gives model.layers.3.mlp.down_proj are not finite, expected numbers; "
            + "the record or the weights before this layer are damaged. Remove the record, or take the model from its source again.",
            finding.Message);
    }

    [Fact]
    public void What_lies_in_the_padding_is_nobodys_fault()
    {
        float[] inputs = Inputs(seed: 1);
        inputs[(11 * Features) + 3] = float.NaN;
        Add(inputs);
        Assert.Empty(_check.Findings());
    }

    [Fact]
    public void A_record_of_extreme_outliers_is_named_with_its_size()
    {
        for (ulong seed = 0; seed < 6; seed++)
        {
            float[] inputs = Inputs(seed);
            if (seed == 3)
                inputs[2] = -5000f;
            Add(inputs);
        }

        CalibrationFinding finding = Assert.Single(_check.Findings());
        Assert.False(finding.IsFatal);
        Assert.Matches(
            @"^a\.txt:1: the record's largest input of model\.layers\.3\.mlp\.down_proj is 5000, \d+ times the \d\.\d+ of the median record; ranges and squared errors follow it\. Remove the record, or calibrate by percentile\.$",
            finding.Message);
    }

    [Fact]
    public void Inputs_that_never_change_are_refused()
    {
        Add([.. Enumerable.Repeat(0.5f, Tokens * Features)]);
        Add([.. Enumerable.Repeat(0.5f, Tokens * Features)]);

        CalibrationFinding finding = Assert.Single(_check.Findings());
        Assert.True(finding.IsFatal);
        Assert.Equal(
            "model.layers.3.mlp.down_proj: its input is the same for all 20 tokens of the calibration samples, expected it to vary; "
            + "the samples or the weights before this layer are constant. Choose other data, or take the model from its source again.",
            finding.Message);
    }

    [Fact]
    public void A_constant_batch_among_others_is_a_warning()
    {
        Add([.. Enumerable.Repeat(0.5f, Tokens * Features)]);
        Add(Inputs(seed: 2));

        CalibrationFinding finding = Assert.Single(_check.Findings());
        Assert.False(finding.IsFatal);
        Assert.Equal(
            "model.layers.3.mlp.down_proj: its input is the same throughout some batches (10 of 20 tokens); statistics lean towards them. Remove records that repeat themselves.",
            finding.Message);
    }

    private void Add(float[] inputs)
    {
        using Tensor batch = tensor(inputs, [1, Tokens, Features]);
        _check.Add(batch, Places);
    }

    private static float[] Inputs(ulong seed)
    {
        using DisposeScope scope = NewDisposeScope();
        return randn([Tokens * Features], generator: new Generator(seed)).data<float>().ToArray();
    }
}
