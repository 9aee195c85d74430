using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Models.Families;
using Pique.Models.Llama;
using Pique.Pipeline;
using Pique.Quantization;
using TorchSharp.Modules;

namespace Pique.Cli.Inspection;

/// <summary>Looks into models: shape, and every weight with its bits and scales.</summary>
internal static class ModelInspector
{
    private const string WeightSuffix = ".weight";

    private static readonly string[] Columns = ["name", "shape", "format", "granularity", "bits_per_weight", "scale_min", "scale_max"];

    /// <summary>Loads a model, which checks all of it, and describes it.</summary>
    /// <param name="path">A model folder or a llama2.c file.</param>
    /// <exception cref="InputException">The model is damaged.</exception>
    public static InspectionResult Inspect(string path)
    {
        using LoadedModel model = ModelLoader.Load(path);
        LlamaConfig config = model.Model.Config;
        ModelSize size = ModelSize.Of(model);
        IReadOnlyDictionary<string, string> dtypes = StoredDtypes(model);
        return new InspectionResult(
            model.Format switch
            {
                ModelFormat.Packed => "packed model",
                ModelFormat.Llama2C => "llama2.c model",
                _ => "Hugging Face model",
            },
            [
                ("family", config.Family.ModelType),
                ("parameters", model.Model.parameters().Sum(parameter => parameter.numel())),
                ("layers", config.LayerCount),
                ("hidden_size", config.HiddenSize),
                ("intermediate_size", config.IntermediateSize),
                ("heads", config.HeadCount),
                ("key_value_heads", config.KeyValueHeadCount),
                ("head_size", config.HeadSize),
                ("vocabulary_size", config.VocabularySize),
                ("context_tokens", config.UsableContextTokens),
                ("sliding_window", config.SlidingWindow),
                ("rope_scaling", ScalingOf(config.RopeScaling)),
                ("tied_head", config.TieWordEmbeddings ? "yes" : "no"),
                ("tokenizer", $"{Path.GetFileName(model.TokenizerFiles[0])}, {model.Tokenizer.VocabularySize} tokens"),
                ("activation_bits", ActivationBits(model.Model)),
                ("bits_per_weight", size.BitsPerWeight),
                ("file_bytes", size.FileBytes),
                ("digest", model.Digest),
            ],
            "weights",
            Columns,
            [.. model.Model.named_parameters().Select(entry => Row(entry.name, entry.parameter, model, dtypes))]);
    }

    private static object?[] Row(string name, Parameter parameter, LoadedModel model, IReadOnlyDictionary<string, string> dtypes)
    {
        if (!name.EndsWith(WeightSuffix, StringComparison.Ordinal) || !model.Quantized.TryGetValue(name[..^WeightSuffix.Length], out QuantizedTensor? packed))
        {
            string dtype = dtypes.GetValueOrDefault(name, SafetensorsDtype.F32.FormatName());
            return [name, parameter.shape, dtype, null, null, null, null];
        }

        float[] scales = [.. Enumerable.Range(0, checked((int)packed.Layout.GroupCount)).Select(group => packed.ScaleOf(group))];
        return
        [
            name,
            parameter.shape,
            FormatOf(packed),
            packed.Granularity is QuantGranularity.PerBlock block ? Units.Text($"PerBlock {block.BlockSize}") : packed.Granularity.GetType().Name,
            packed.BitsPerWeight,
            scales.Length == 0 ? null : (double)scales.Min(),
            scales.Length == 0 ? null : (double)scales.Max(),
        ];
    }

    /// <summary>How rotary positions are stretched, or null for not at all.</summary>
    private static string? ScalingOf(RopeScaling? scaling) => scaling switch
    {
        null => null,
        RopeScaling.Linear linear => Units.Text($"linear, factor {linear.Factor}"),
        RopeScaling.Llama3 llama3 => Units.Text($"llama3, factor {llama3.Factor} from {llama3.OriginalContextTokens} tokens"),
        _ => throw new InvalidOperationException($"No text for {scaling.GetType().Name}."),
    };

    private static string FormatOf(QuantizedTensor packed) => Units.Text($"{packed.Bits} bits, {GridText.Of(packed)}");

    /// <summary>Bits that activations are quantized to, or null for none.</summary>
    private static object? ActivationBits(LlamaModel model)
    {
        int[] bits = [.. model.QuantizableLayers.Select(entry => entry.Layer).OfType<QuantizedLinear>().Select(layer => layer.ActivationQuantizer?.Bits).OfType<int>().Distinct()];
        return bits.Length switch { 0 => null, 1 => bits[0], _ => string.Join(", ", bits) };
    }

    /// <summary>Element types of a full-precision folder by weight name; a tied matrix under either name.</summary>
    private static Dictionary<string, string> StoredDtypes(LoadedModel model)
    {
        if (model.Format != ModelFormat.HuggingFace)
        {
            return [];
        }

        using HuggingFaceWeights weights = HuggingFaceWeights.Open(model.Path);
        var dtypes = weights.Files.SelectMany(file => file.Tensors).ToDictionary(tensor => tensor.Name, tensor => tensor.Dtype.FormatName());
        if (dtypes.TryGetValue("lm_head.weight", out string? head))
        {
            dtypes.TryAdd("model.embed_tokens.weight", head);
        }

        return dtypes;
    }
}
