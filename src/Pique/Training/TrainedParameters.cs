using Pique.Adapters;
using Pique.Models;
using Pique.Models.Llama;
using Pique.Quantization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>What is trained in a model, by checkpoint name, sorted into optimizer groups.</summary>
/// <remarks>Names are the model's own; a quantizer's are "quantizer.&lt;layer&gt;.&lt;parameter&gt;".</remarks>
internal sealed class TrainedParameters
{
    private TrainedParameters(List<(string, Tensor)> weights, List<(string, Tensor)> quantization, List<(string, Tensor)> saved, List<FakeQuantizer> quantizers, List<LoraAdapter> adapters)
    {
        Weights = weights;
        Quantization = quantization;
        Saved = saved;
        Quantizers = quantizers;
        Adapters = adapters;
    }

    /// <summary>Weights of the model, and of its adapters where it has any; frozen ones are left out.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Weights { get; }

    /// <summary>Learned scales and α.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Quantization { get; }

    /// <summary>All that a checkpoint must carry: the above, the quantizers' buffers and, where codes are fixed, what stands still with them.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Saved { get; }

    /// <summary>The weight quantizers in the order of the layers.</summary>
    public IReadOnlyList<FakeQuantizer> Quantizers { get; }

    /// <summary>The adapters in the order of the layers.</summary>
    public IReadOnlyList<LoraAdapter> Adapters { get; }

    /// <summary>All trained tensors.</summary>
    public IEnumerable<Tensor> Tensors => Weights.Concat(Quantization).Select(item => item.Value);

    /// <summary>Collects a model's parameters.</summary>
    /// <param name="model">The model, its quantizers in place.</param>
    public static TrainedParameters Of(CausalLanguageModel model) => Of(model, prefix: "");

    /// <summary>Collects the parameters of one transformer block.</summary>
    /// <param name="model">The model, its quantizers in place.</param>
    /// <param name="block">Block, from 0.</param>
    public static TrainedParameters OfBlock(LlamaModel model, int block) => Of(model, LlamaBlock.NamePrefix(block));

    private static TrainedParameters Of(CausalLanguageModel model, string prefix)
    {
        List<(string, Tensor)> weights = [], quantization = [], buffers = [];
        List<FakeQuantizer> quantizers = [];
        List<LoraAdapter> adapters = [];
        (string, IQuantizableLayer)[] layers = [.. model.QuantizableLayers.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal))];
        (string name, Parameter parameter)[] parameters = [.. model.named_parameters().Where(entry => entry.name.StartsWith(prefix, StringComparison.Ordinal))];
        foreach ((string name, Parameter parameter) in parameters.Where(entry => entry.parameter.requires_grad))
        {
            weights.Add((name, parameter));
        }

        // They stand still, but an earlier phase of the run has changed them.
        bool hasFixedCodes = layers.Any(entry => entry.Item2.WeightQuantizer is { HasFixedCodes: true });
        buffers.AddRange(parameters.Where(entry => hasFixedCodes && !entry.parameter.requires_grad).Select(entry => (entry.name, (Tensor)entry.parameter)));
        foreach ((string layerName, IQuantizableLayer layer) in layers)
        {
            if (layer.Frozen?.Adapter is LoraAdapter adapter)
            {
                adapters.Add(adapter);
                weights.Add(($"{layerName}.{AdapterNames.A}", adapter.A));
                weights.Add(($"{layerName}.{AdapterNames.B}", adapter.B));
            }

            if (layer.WeightQuantizer is not { } quantizer)
            {
                continue;
            }

            quantizers.Add(quantizer);
            foreach ((string name, Parameter parameter) in quantizer.named_parameters())
            {
                (parameter.requires_grad ? quantization : buffers).Add(($"quantizer.{layerName}.{name}", parameter));
            }

            foreach ((string name, Tensor buffer) in quantizer.named_buffers())
            {
                buffers.Add(($"quantizer.{layerName}.{name}", buffer));
            }
        }

        return new(weights, quantization, [.. weights, .. quantization, .. buffers], quantizers, adapters);
    }

    /// <summary>Sorts the parameters: matrices decay, other weights do not, quantization parameters have their own rate and no decay.</summary>
    /// <param name="options">Rates and decay.</param>
    public IReadOnlyList<ParameterGroup> Groups(TrainerOptions options) =>
    [
        new("matrices", [.. Weights.Where(item => item.Value.dim() >= 2)], options.WeightLearningRate, options.WeightDecay),
        new("other weights", [.. Weights.Where(item => item.Value.dim() < 2)], options.WeightLearningRate, 0),
        new("quantization", Quantization, options.QuantizationLearningRate, 0),
    ];
}
