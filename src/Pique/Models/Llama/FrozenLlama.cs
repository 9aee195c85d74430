using Pique.Configuration;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>Makes models of frozen weights from models in memory.</summary>
public static class FrozenLlama
{
    /// <summary>Copies a model, its matrices frozen.</summary>
    /// <param name="model">Model to copy; not changed.</param>
    /// <param name="storage">How the copy's matrices are held; null for float32, which rounds nothing.</param>
    /// <returns>A model without quantizers, no parameter of which takes a gradient.</returns>
    public static LlamaModel Of(LlamaModel model, FrozenStorage? storage)
    {
        ArgumentNullException.ThrowIfNull(model);
        LlamaModel copy = LlamaModel.WithoutMatrices(model.Config);
        using IDisposable noGradient = no_grad();
        Dictionary<string, Parameter> originals = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter, StringComparer.Ordinal);
        foreach ((string name, IQuantizableLayer layer) in copy.QuantizableLayers)
        {
            layer.Frozen = new(FrozenWeightBuilder.Of(storage, originals[$"{name}.weight"]));
        }

        foreach ((string name, Parameter parameter) in copy.named_parameters().Where(entry => entry.parameter.device_type != DeviceType.META))
            parameter.copy_(originals[name]);
        return copy;
    }
}
