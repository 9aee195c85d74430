using Pique.Adapters;
using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using Pique.Tests.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Adapters;

/// <summary>The tiny run's model, frozen, with adapters of rank 4 on its linear layers and three bits around them; its embedding is rounded for good.</summary>
internal sealed class AdaptedTinyRun : IDisposable
{
    public AdaptedTinyRun(LoraRecipe? recipe = null, bool prepared = true)
    {
        recipe ??= Recipe();
        using LlamaModel source = TinyRun.Model();
        Model = FrozenLlama.Of(source, recipe.Base);
        Adapted = AdaptedModel.Attach(Model, recipe, seed: 7);
        if (prepared)
            Prepare(Model);
    }

    public static WeightQuantizationSpec Spec { get; } = new(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize());

    public LlamaModel Model { get; }

    public AdaptedModel Adapted { get; }

    public static LoraRecipe Recipe(FrozenStorage storage = FrozenStorage.Bfloat16) => new() { Rank = new LoraRank.Fixed(4), Alpha = 8, Base = storage };

    /// <summary>Quantizers around the adapted layers, everything else rounded for good.</summary>
    public static void Prepare(LlamaModel model)
    {
        ModelQuantizer.Prepare(model.QuantizableLayers, name => IsAdapted(model, name) ? Spec : null, ScaleMethod.MinimumError);
        foreach ((string name, IQuantizableLayer layer) in model.QuantizableLayers.Where(entry => entry.Layer.Frozen!.Adapter is null))
            layer.Frozen!.Rounded = new PackedWeight(FrozenRounding.Quantize(name, layer.Frozen.Base, EmbeddingSpec, ScaleMethod.MinimumError));
    }

    public static WeightQuantizationSpec EmbeddingSpec { get; } = new(8, new QuantGranularity.PerBlock(32), new SteVariant.LearnedStepSize());

    public float[] Logits()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        return Model.forward(TinyBatches.GetBatch(0, 0).Inputs).data<float>().ToArray();
    }

    /// <summary>Draws every B, so that the adapters change something.</summary>
    public void Disturb()
    {
        using IDisposable noGradient = no_grad();
        using Generator generator = new(5, CPU);
        foreach ((_, LoraAdapter adapter) in Adapted.Adapters)
        {
            using DisposeScope scope = NewDisposeScope();
            adapter.B.copy_(randn(adapter.B.shape, generator: generator).mul_(0.02));
        }
    }

    public void Dispose()
    {
        Adapted.Dispose();
        Model.Dispose();
    }

    private static bool IsAdapted(LlamaModel model, string name) => model.QuantizableLayers.Single(entry => entry.Name == name).Layer.Frozen!.Adapter is not null;
}
