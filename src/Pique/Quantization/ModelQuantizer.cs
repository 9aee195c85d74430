using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>Prepares a model for quantization-aware training, converts it afterwards, and leads the way back.</summary>
public static class ModelQuantizer
{
    /// <summary>Bits of dynamically quantized activations where none are given.</summary>
    public const int DefaultActivationBits = 8;

    /// <summary>Gives every layer the policy names its fake quantizers, with scales found from its weight.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <param name="policy">How each layer's weight is quantized; null keeps it in full precision.</param>
    /// <param name="method">How scales are found.</param>
    /// <param name="activationBits">Bits of activations, used where the granularity is per token.</param>
    /// <exception cref="InputException">A weight is no matrix or not finite; no layer is changed then.</exception>
    public static void Prepare(
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        Func<string, WeightQuantizationSpec?> policy,
        ScaleMethod method,
        int activationBits = DefaultActivationBits) =>
        Prepare(layers, policy, activationBits, (name, spec, weight) => FakeQuantizer.Create(name, spec, weight, method));

    /// <summary>Gives every layer the policy names its fake quantizers, with scales that calibration found.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <param name="policy">How each layer's weight is quantized; null keeps it in full precision.</param>
    /// <param name="calibration">Scales of every layer to be quantized, by its name.</param>
    /// <param name="activationBits">Bits of activations, used where the granularity is per token.</param>
    /// <exception cref="InputException">A weight is no matrix or not finite, or its scales are missing or of another layout; no layer is changed then.</exception>
    public static void Prepare(
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        Func<string, WeightQuantizationSpec?> policy,
        IReadOnlyDictionary<string, GroupScales> calibration,
        int activationBits = DefaultActivationBits) =>
        Prepare(layers, policy, activationBits, (name, spec, weight) =>
            calibration.TryGetValue(name, out GroupScales? scales)
                ? FakeQuantizer.Create(name, spec, weight, scales)
                : throw new InputException($"{name}: found no calibrated scales, expected some; calibrate this model with this configuration."));

    /// <summary>Quantizes every prepared weight; of a frozen layer, its weight with the adapter's update, by the arithmetic of the forward pass.</summary>
    /// <param name="layers">Prepared layers by checkpoint name.</param>
    /// <returns>Packed weights by layer name; layers in full precision are left out.</returns>
    /// <exception cref="InputException">A weight is not finite.</exception>
    public static IReadOnlyDictionary<string, QuantizedTensor> Convert(IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers) =>
        layers.Select(entry => (entry.Name, Packed: Pack(entry.Layer)))
            .Where(entry => entry.Packed is not null)
            .ToDictionary(entry => entry.Name, entry => entry.Packed!, StringComparer.Ordinal);

    /// <summary>Post-training quantization: prepares with scales found from the weights and converts at once, without training. The layers stay prepared.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <param name="policy">How each layer's weight is quantized; null keeps it in full precision.</param>
    /// <param name="method">How scales are found.</param>
    /// <param name="activationBits">Bits of activations, used where the granularity is per token.</param>
    /// <returns>Packed weights by layer name.</returns>
    /// <exception cref="InputException">A weight is no matrix or not finite.</exception>
    public static IReadOnlyDictionary<string, QuantizedTensor> RoundToNearest(
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        Func<string, WeightQuantizationSpec?> policy,
        ScaleMethod method,
        int activationBits = DefaultActivationBits)
    {
        Prepare(layers, policy, method, activationBits);
        return Convert(layers);
    }

    /// <summary>Takes all quantizers away again: the layers compute with their latent weights.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    public static void Remove(IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers)
    {
        foreach ((_, IQuantizableLayer layer) in layers)
        {
            layer.WeightQuantizer?.Dispose();
            layer.WeightQuantizer = null;
            if (layer.Frozen is { } frozen)
                frozen.Rounded = null;
            if (layer is QuantizedLinear linear)
            {
                linear.ActivationQuantizer?.Dispose();
                linear.ActivationQuantizer = null;
            }
        }
    }

    /// <summary>Fixes the codes of every prepared weight: from now on scales alone are trained, and every parameter of the model stands still.</summary>
    /// <param name="model">Whose layers are prepared.</param>
    /// <param name="layers">Its layers by checkpoint name.</param>
    public static void FixCodes(nn.Module model, IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers)
    {
        foreach ((_, IQuantizableLayer layer) in layers)
        {
            if (layer.WeightQuantizer is { } quantizer)
            {
                layer.WeightQuantizer = quantizer.FixCodes(layer.Weight);
                quantizer.Dispose();
            }
        }

        foreach (TorchSharp.Modules.Parameter parameter in model.parameters())
            parameter.requires_grad = false;
    }

    /// <summary>Sets the warm-up strength ρ of every weight quantizer.</summary>
    /// <param name="layers">Prepared layers by checkpoint name.</param>
    /// <param name="strength">ρ, 0 to 1.</param>
    public static void SetStrength(IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers, float strength)
    {
        foreach ((_, IQuantizableLayer layer) in layers)
        {
            if (layer.WeightQuantizer is { } quantizer)
                quantizer.Strength = strength;
        }
    }

    /// <summary>Fake-quantizes every prepared weight once and for all forward passes until disposed: for measuring, where no weight changes.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <returns>Ends the hold when disposed.</returns>
    public static IDisposable HoldWeights(IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers) =>
        new Holds([.. layers.Where(entry => entry.Layer.WeightQuantizer is not null).Select(entry => Hold(entry.Layer))]);

    /// <summary>Packed where the layer is frozen: a model too large for float32 weights is too large to be held in them.</summary>
    private static IDisposable Hold(IQuantizableLayer layer)
    {
        using DisposeScope scope = NewDisposeScope();
        return layer is { Frozen: { } frozen, WeightQuantizer.Strength: 1f } ? frozen.Hold(Pack(layer)!) : layer.WeightQuantizer!.Hold(layer.LatentWeight());
    }

    private static QuantizedTensor? Pack(IQuantizableLayer layer)
    {
        using DisposeScope scope = NewDisposeScope();
        return layer.WeightQuantizer?.Quantize(layer.LatentWeight()) ?? layer.Frozen?.Rounded?.Tensor;
    }

    private sealed class Holds(IReadOnlyList<IDisposable> each) : IDisposable
    {
        public void Dispose()
        {
            foreach (IDisposable hold in each)
                hold.Dispose();
        }
    }

    /// <summary>Restores the invariants of every trained quantization parameter; call it after every optimizer step.</summary>
    /// <param name="layers">Prepared layers by checkpoint name.</param>
    public static void EnforceInvariants(IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers)
    {
        foreach ((_, IQuantizableLayer layer) in layers)
            layer.WeightQuantizer?.EnforceInvariants();
    }

    private static void Prepare(
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        Func<string, WeightQuantizationSpec?> policy,
        int activationBits,
        Func<string, WeightQuantizationSpec, Tensor, FakeQuantizer> create)
    {
        List<(IQuantizableLayer Layer, FakeQuantizer Quantizer)> prepared = [];
        try
        {
            foreach ((string name, IQuantizableLayer layer) in layers)
            {
                using DisposeScope scope = NewDisposeScope();
                if (policy(name) is { } spec)
                    prepared.Add((layer, create(name, spec, layer.LatentWeight())));
            }
        }
        catch
        {
            prepared.ForEach(entry => entry.Quantizer.Dispose());
            throw;
        }

        Remove(layers);
        foreach ((IQuantizableLayer layer, FakeQuantizer quantizer) in prepared)
        {
            layer.WeightQuantizer = quantizer;
            if (layer is QuantizedLinear linear && quantizer.Spec.Granularity is QuantGranularity.PerToken)
                linear.ActivationQuantizer = new ActivationFakeQuantizer(activationBits);
        }
    }
}
