using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Models.Rotation;

/// <summary>Measures μ of every layer before and after a rotation.</summary>
public static class IncoherenceComparison
{
    /// <summary>Measures every layer of the rotated model that can be quantized, in checkpoint order.</summary>
    /// <param name="original">The model that was rotated.</param>
    /// <param name="rotated">What <see cref="IncoherenceRotation.Apply"/> made of it.</param>
    /// <returns>A head that the rotation untied is compared with the embedding it was tied to.</returns>
    /// <exception cref="ArgumentException">A layer of the rotated model has no counterpart of its shape.</exception>
    public static IReadOnlyList<LayerIncoherence> Measure(LlamaModel original, LlamaModel rotated)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(rotated);
        Dictionary<string, IQuantizableLayer> originals = original.QuantizableLayers.ToDictionary(entry => entry.Name, entry => entry.Layer);
        List<LayerIncoherence> rows = [];
        foreach ((string name, IQuantizableLayer layer) in rotated.QuantizableLayers)
        {
            IQuantizableLayer? counterpart = originals.GetValueOrDefault(name) ?? (ReferenceEquals(layer, rotated.Head) ? original.Backbone.Embedding : null);
            if (counterpart is null || !counterpart.Weight.shape.SequenceEqual(layer.Weight.shape))
                throw new ArgumentException($"{name}: the original has no layer of shape [{string.Join(", ", layer.Weight.shape)}] for it; expected the model that was rotated.", nameof(original));
            using DisposeScope scope = NewDisposeScope();
            rows.Add(new LayerIncoherence(name, Incoherence.Measure(counterpart.LatentWeight()), Incoherence.Measure(layer.LatentWeight())));
        }

        return rows;
    }
}
