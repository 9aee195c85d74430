using Pique.Configuration;
using Pique.Models;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Quantization.Frozen;

namespace Pique.Adapters;

/// <summary>A model of frozen weights with an adapter on some of its linear layers, inside their quantizers.</summary>
public sealed class AdaptedModel : IDisposable
{
    internal AdaptedModel(LlamaModel model, int rank, float alpha, IReadOnlyList<(string Name, LoraAdapter Adapter)> adapters)
    {
        Model = model;
        Rank = rank;
        Alpha = alpha;
        Adapters = adapters;
        Dictionary<string, FrozenLayer?> layers = LayersOf(model);
        if (adapters.FirstOrDefault(entry => layers[entry.Name] is null).Name is { } trained)
            throw new ArgumentException($"{trained}: its weight is not frozen; load or copy the model frozen.", nameof(model));
        foreach ((string name, LoraAdapter adapter) in adapters)
            layers[name]!.Adapter = adapter;
    }

    /// <summary>The model.</summary>
    public LlamaModel Model { get; }

    /// <summary>Rank of every adapter.</summary>
    public int Rank { get; }

    /// <summary>Every update is multiplied by alpha/rank.</summary>
    public float Alpha { get; }

    /// <summary>The adapters by layer name, in checkpoint order.</summary>
    public IReadOnlyList<(string Name, LoraAdapter Adapter)> Adapters { get; }

    /// <summary>Gives a model new adapters, which change nothing yet.</summary>
    /// <param name="model">A model whose matrices are frozen.</param>
    /// <param name="recipe">Rank, alpha and layers.</param>
    /// <param name="seed">Equal seeds give equal adapters: each layer draws from a stream of its own.</param>
    /// <returns>The model with its adapters; disposing it takes them away again and leaves the model.</returns>
    /// <exception cref="InputException">A name is of no linear layer, or a weight is too small for the rank.</exception>
    public static AdaptedModel Attach(LlamaModel model, LoraRecipe recipe, long seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(recipe);
        IReadOnlyList<(string Name, QuantizedLinear Layer)> layers = AdapterTargets.Of(model, recipe.TargetModules);
        int rank = AdapterRank.Of(recipe.Rank, layers);
        return new(model, rank, recipe.Alpha, [.. layers.Select((entry, index) =>
            (entry.Name, LoraAdapter.Create(entry.Layer.Weight.shape[0], entry.Layer.Weight.shape[1], rank, recipe.Alpha, SplitMix64.ForStream(seed, index))))]);
    }

    /// <summary>The model without adapters and quantizers: the full-precision teacher, in no memory of its own.</summary>
    public CausalLanguageModel CreateTeacher() => new BaseTeacher(Model);

    /// <summary>Merges: quantizes W₀ + ΔW of every prepared layer by the arithmetic of the forward pass, so that the packed weights are, bit for bit, those that the model computes with.</summary>
    /// <returns>Packed weights by layer name; layers frozen whole are among them as they were rounded.</returns>
    /// <exception cref="InputException">A weight is not finite.</exception>
    public IReadOnlyDictionary<string, QuantizedTensor> Merge() => ModelQuantizer.Convert(Model.QuantizableLayers);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dictionary<string, FrozenLayer?> layers = LayersOf(Model);
        foreach ((string name, LoraAdapter adapter) in Adapters)
        {
            layers[name]!.Adapter = null;
            adapter.Dispose();
        }
    }

    private static Dictionary<string, FrozenLayer?> LayersOf(LlamaModel model) =>
        model.QuantizableLayers.ToDictionary(entry => entry.Name, entry => entry.Layer.Frozen, StringComparer.Ordinal);
}
