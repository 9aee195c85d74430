using Pique.Formats.Gguf.Carriers;
using Pique.Formats.Gguf.Tokenizers;
using Pique.Models.Llama;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Formats.Gguf.Export;

/// <summary>Writes a model as a GGUF file that llama.cpp runs with exactly the weights that training saw: blocks are written from codes and scales, nothing is quantized again.</summary>
public static class GgufModelWriter
{
    private const uint QuantizationVersion = 2;

    /// <summary>Writes a model with its tokenizer.</summary>
    /// <param name="path">File to write; replaced where it exists.</param>
    /// <param name="model">The model as loaded. Matrices that are not quantized become the smallest float type that holds them exactly.</param>
    /// <param name="options">Name and, if one is wanted, type.</param>
    /// <returns>How every tensor was written.</returns>
    /// <exception cref="InputException">A tensor is not exact in the type asked for, the tokenizer or the positions have no form that runtimes know, or the path cannot be written.</exception>
    /// <exception cref="RunFailedException">Writing failed, for example on a full disk.</exception>
    public static GgufExport Write(string path, LoadedModel model, GgufExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Type is { } forced && !IsFloat(forced) && CarrierChoice.Of(forced) is null)
            throw new InputException($"{forced.Name()}: is no type that weights are written as, expected one of {CarrierChoice.AllNames}, F16, BF16 or F32");

        using DisposeScope scope = NewDisposeScope();
        LlamaConfig config = model.Model.Config;
        TensorPlan[] plans = [.. Plans(model, options.Type)];
        GgufExportedTensor[] tensors = [.. plans.Select(plan => plan.Exported)];
        GgufMetadata metadata = new();
        GgufArchitecture.Write(metadata, config, options.Name);
        metadata.Add("general.file_type", FileType.Of(tensors));
        metadata.Add("general.quantization_version", QuantizationVersion);
        IReadOnlyList<string> tokenizerWarnings = GgufTokenizerWriter.Add(metadata, model.TokenizerFiles, config.VocabularySize);
        ProvenanceKeys.Write(metadata, model, tensors);
        GgufWriter.Write(path, metadata, [.. plans.Select(plan => plan.Entry)]);
        return new GgufExport(path, new FileInfo(path).Length, tensors, [.. Warnings(model, tensors), .. tokenizerWarnings]);
    }

    private static IEnumerable<TensorPlan> Plans(LoadedModel model, GgufTensorType? forced)
    {
        Dictionary<string, Tensor> floats = model.Model.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter, StringComparer.Ordinal);
        foreach ((string layer, IQuantizableLayer frozen) in model.Model.QuantizableLayers.Where(entry => entry.Layer.Frozen is not null && !model.Quantized.ContainsKey(entry.Name)))
            floats[$"{layer}.weight"] = frozen.LatentWeight();
        foreach ((string name, long[] _) in LlamaWeightShapes.Of(model.Model.Config))
        {
            RotaryRowOrder order = GgufArchitecture.RowOrder(model.Model.Config, name);
            GgufTensorType? floatType = forced is { } type && IsFloat(type) ? type : null;
            if (model.Quantized.TryGetValue(Path.GetFileNameWithoutExtension(name), out QuantizedTensor? quantized) && name.EndsWith(".weight", StringComparison.Ordinal))
                yield return TensorPlan.OfCodes(name, quantized, order, name is LlamaWeightShapes.Embedding or LlamaWeightShapes.Head ? floatType : forced);
            else
                yield return TensorPlan.OfFloats(name, floats[name], order, floatType);
        }

        if (GgufRope.FrequencyFactors(model.Model.Config) is { } factors)
            yield return new TensorPlan(factors, new GgufExportedTensor(factors.Name, factors.Name, factors.Shape, factors.Type, null, IsExact: true));
    }

    private static IEnumerable<string> Warnings(LoadedModel model, IReadOnlyList<GgufExportedTensor> tensors)
    {
        string[] inexact = [.. tensors.Where(tensor => !tensor.IsExact).Select(tensor => tensor.Name)];
        if (inexact.Length > 0)
            yield return $"no quantized type holds these weights exactly, so they were rounded to F16 (F32 would be exact, and larger): {string.Join(", ", inexact)}";
        string[] floats = [.. tensors.Where(tensor => tensor is { CodeBits: not null, IsExact: true } && IsFloat(tensor.Type)).Select(tensor => tensor.Name)];
        if (floats.Length > 0)
            yield return $"no quantized type holds these weights exactly, so they take more bits than their codes need: {string.Join(", ", floats)}";
        if (model.Model.QuantizableLayers.Any(entry => entry.Layer is QuantizedLinear { ActivationQuantizer: not null }))
            yield return "activations were quantized per token in training; llama.cpp rounds them by its own rule, so that its results differ a little more";
    }

    private static bool IsFloat(GgufTensorType type) => type is GgufTensorType.F32 or GgufTensorType.F16 or GgufTensorType.BF16;
}
