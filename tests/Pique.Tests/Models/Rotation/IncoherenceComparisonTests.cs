using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Rotation;

public class IncoherenceComparisonTests
{
    private static readonly LlamaConfig Wide = TinyLlama.Config() with { VocabularySize = 300, HiddenSize = 256, IntermediateSize = 320, HeadSize = 64, LayerCount = 1 };

    [Fact]
    public void Every_layer_is_compared_and_an_untied_head_with_the_embedding()
    {
        using LlamaModel model = TinyLlama.Create(), rotated = IncoherenceRotation.Apply(model, seed: 4);

        IReadOnlyList<LayerIncoherence> rows = IncoherenceComparison.Measure(model, rotated);

        Assert.Equal(rotated.QuantizableLayers.Select(entry => entry.Name), rows.Select(row => row.Name));
        Assert.Equal("lm_head", rows[^1].Name);
        Assert.Equal(Incoherence.Measure(model.Backbone.Embedding.Weight), rows[^1].Before);
        Assert.Equal(Incoherence.Measure(rotated.Head!.Weight), rows[^1].After);
        LayerIncoherence value = Assert.Single(rows, row => row.Name == "model.layers.1.self_attn.v_proj");
        Assert.Equal(Incoherence.Measure(model.Backbone.Blocks[1].Attention.ValueProjection.Weight), value.Before);
        Assert.Equal(Incoherence.Measure(rotated.Backbone.Blocks[1].Attention.ValueProjection.Weight), value.After);
    }

    [Fact]
    public void A_model_of_another_shape_is_refused()
    {
        using LlamaModel model = TinyLlama.Create(keyValueHeads: 2), other = TinyLlama.Create(keyValueHeads: 4);

        Assert.Equal(
            "model.layers.0.self_attn.k_proj: the original has no layer of shape [32, 24] for it; expected the model that was rotated. (Parameter 'original')",
            Assert.Throws<ArgumentException>(() => IncoherenceComparison.Measure(model, other)).Message);
    }

    [Fact]
    public void Outliers_planted_in_every_layer_are_tamed_and_two_bit_error_falls_with_them()
    {
        using LlamaModel model = TinyLlama.Create(Wide);
        PlantOutliers(model);
        using LlamaModel rotated = IncoherenceRotation.Apply(model, seed: 4);

        IReadOnlyList<LayerIncoherence> rows = IncoherenceComparison.Measure(model, rotated);

        Assert.Equal(9, rows.Count);
        Assert.All(rows, row => Assert.True(row.Before >= 3 * row.After, $"{row}"));
        foreach ((string name, _) in model.QuantizableLayers)
        {
            double before = TwoBitError(model, name), after = TwoBitError(rotated, name);
            Assert.True(after < 0.75 * before, $"{name}: {before} to {after}");
        }
    }

    /// <summary>One weight of every row stands out thirty times, each in another column.</summary>
    private static void PlantOutliers(LlamaModel model)
    {
        using IDisposable noGradients = no_grad();
        foreach ((_, IQuantizableLayer layer) in model.QuantizableLayers)
        {
            float deviation = (float)layer.Weight.Squared().mean().sqrt().ToDouble();
            for (long row = 0; row < layer.Weight.shape[0]; row++)
                layer.Weight[row, row * 7 % layer.Weight.shape[1]] = 30 * deviation;
        }
    }

    /// <summary>Σ(w − ŵ)²/Σw² with a scale of least squared error for every row.</summary>
    private static double TwoBitError(LlamaModel model, string name)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = model.QuantizableLayers.Single(entry => entry.Name == name).Layer.Weight.detach();
        CodeGrid grid = new(2, GridKind.TwosComplement);
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerChannel(), weight.shape[0], weight.shape[1]);
        GroupScales scales = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError);
        Tensor rounded = GridArithmetic.FakeQuantize(weight, layout, scales.Scales, scales.ZeroPoints, grid);
        return rounded.sub(weight).Squared().sum().ToDouble() / weight.Squared().sum().ToDouble();
    }
}
