using Pique.Configuration;
using Pique.Formats.Gguf;
using Pique.Formats.HuggingFace;
using Pique.Formats.Llama2C;
using Pique.Formats.Tokenizers;
using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Formats;

/// <summary>Loads models of every format Pique reads.</summary>
public static class ModelLoader
{
    private const string Known = "a Hugging Face model folder, a .gguf file or a llama2.c .bin file";

    private static readonly IReadOnlyDictionary<string, QuantizedTensor> NotQuantized = new Dictionary<string, QuantizedTensor>();

    /// <summary>Loads a model and its tokenizer.</summary>
    /// <param name="path">
    /// A Hugging Face folder, full precision or packed; a GGUF file (.gguf), whose blocks are dequantized; or a legacy llama2.c file (.bin)
    /// with its vocabulary beside it: tokN.model or tokN.bin of its vocabulary size, else what <see cref="TokenizerLoader"/> finds in the folder.
    /// </param>
    /// <exception cref="InputException">Anything is missing, damaged or contradictory; the message says where, what was expected and what to do.</exception>
    public static LoadedModel Load(string path) => Load(path, LoadMode.Trainable);

    /// <summary>Loads a model whose matrices are frozen, and its tokenizer. No float32 copy of the model is made on the way; norms and biases are float32 as ever, and nothing takes a gradient.</summary>
    /// <param name="path">As for <see cref="Load(string)"/>.</param>
    /// <param name="storage">How matrices are held that are not packed already; null for float32, which rounds nothing.</param>
    /// <exception cref="InputException">As for <see cref="Load(string)"/>.</exception>
    public static LoadedModel LoadFrozen(string path, FrozenStorage? storage) => Load(path, new LoadMode(IsFrozen: true, storage));

    private static LoadedModel Load(string path, LoadMode mode)
    {
        LoadedWeights weights = LoadWeights(path, mode);
        try
        {
            LoadedTokenizer tokenizer = TokenizerLoader.Load(weights.Format == ModelFormat.Llama2C ? VocabularyBeside(path, weights.Model.VocabularySize) : path);
            if (tokenizer.Tokenizer.VocabularySize > weights.Model.VocabularySize)
                throw new InputException($"{path}: the tokenizer ({tokenizer.SourceFiles[0]}) has {tokenizer.Tokenizer.VocabularySize} token ids, the model {weights.Model.VocabularySize}; use the tokenizer the model was trained with");
            return new LoadedModel(weights.Model, tokenizer.Tokenizer, tokenizer.SourceFiles, path, weights.Format, weights.Quantized, ModelDigest.Compute(weights.Model))
            {
                Provenance = weights.Provenance,
            };
        }
        catch
        {
            weights.Model.Dispose();
            throw;
        }
    }

    /// <summary>Reads the shape of a model without its weights.</summary>
    /// <param name="path">A Hugging Face folder, a GGUF file (.gguf), or a legacy llama2.c file (.bin).</param>
    /// <exception cref="InputException">There is no such model, or what describes it is wrong.</exception>
    public static LlamaConfig ReadConfig(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        switch (Recognize(path))
        {
            case ModelFormat.Gguf:
                using (GgufFile file = GgufFile.Open(path))
                    return GgufArchitecture.Read(file);
            case ModelFormat.Llama2C:
                using (Llama2CFile file = Llama2CFile.Open(path))
                    return file.Config;
            default:
                return LlamaConfigJson.Read(Path.Combine(path, HuggingFaceNames.Config));
        }
    }

    /// <summary>Loads the weights alone.</summary>
    /// <param name="path">A Hugging Face folder, a GGUF file (.gguf), or a legacy llama2.c file (.bin).</param>
    internal static LoadedWeights LoadWeights(string path) => LoadWeights(path, LoadMode.Trainable);

    private static LoadedWeights LoadWeights(string path, LoadMode mode)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        switch (Recognize(path))
        {
            case ModelFormat.Gguf:
                return LoadGguf(path, mode);
            case ModelFormat.Llama2C:
                using (Llama2CFile file = Llama2CFile.Open(path))
                    return new LoadedWeights(mode.Read(file, file.Config, NotQuantized), ModelFormat.Llama2C, NotQuantized);
            default:
                return LoadFolder(path, mode);
        }
    }

    /// <summary>What kind of model a path names: a folder may turn out to be packed.</summary>
    private static ModelFormat Recognize(string path)
    {
        if (Directory.Exists(path))
            return File.Exists(Path.Combine(path, HuggingFaceNames.Config)) ? ModelFormat.HuggingFace : throw new InputException($"{path}: has no {HuggingFaceNames.Config}; name {Known}");
        if (!File.Exists(path))
            throw new InputException($"{path}: no such file or folder; name {Known}");
        return Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".GGUF" => ModelFormat.Gguf,
            ".BIN" => ModelFormat.Llama2C,
            _ => throw new InputException($"{path}: is no model that Pique reads; name {Known}"),
        };
    }

    private static LoadedWeights LoadGguf(string path, LoadMode mode)
    {
        using GgufFile file = GgufFile.Open(path);
        LlamaConfig config = GgufArchitecture.Read(file);
        using GgufWeights weights = new(file, config);
        return new LoadedWeights(mode.Read(weights, config, NotQuantized), ModelFormat.Gguf, NotQuantized);
    }

    /// <summary>A folder may hold several llama2.c models: the vocabulary of the right size is the model's.</summary>
    private static string VocabularyBeside(string path, int vocabularySize)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] sized = [Path.Combine(folder, $"tok{vocabularySize}.model"), Path.Combine(folder, $"tok{vocabularySize}.bin")];
        return sized.FirstOrDefault(File.Exists) ?? folder;
    }

    private static LoadedWeights LoadFolder(string folder, LoadMode mode)
    {
        string configPath = Path.Combine(folder, HuggingFaceNames.Config);
        LlamaConfig config = LlamaConfigJson.Read(configPath);
        if (PackedQuantizationJson.Read(configPath) is var (layers, provenance))
        {
            using PackedWeights packed = PackedWeights.Open(folder, layers, config);
            LlamaModel model = mode.Read(packed, config, packed.Quantized);
            AttachActivationQuantizers(model, layers);
            return new LoadedWeights(model, ModelFormat.Packed, packed.Quantized) { Provenance = provenance };
        }

        using HuggingFaceWeights weights = HuggingFaceWeights.Open(folder);
        return new LoadedWeights(mode.Read(weights, config, NotQuantized), ModelFormat.HuggingFace, NotQuantized);
    }

    /// <summary>A model trained with quantized activations computes with them after loading too.</summary>
    private static void AttachActivationQuantizers(LlamaModel model, IReadOnlyDictionary<string, PackedLayer> layers)
    {
        foreach ((string name, IQuantizableLayer layer) in model.QuantizableLayers)
        {
            if (layer is QuantizedLinear linear && layers.TryGetValue(name, out PackedLayer? description) && description.ActivationBits is { } bits)
                linear.ActivationQuantizer = new ActivationFakeQuantizer(bits);
        }
    }

    /// <summary>How matrices are held.</summary>
    private sealed record LoadMode(bool IsFrozen, FrozenStorage? Storage)
    {
        public static LoadMode Trainable { get; } = new(IsFrozen: false, null);

        public LlamaModel Read(IWeightSource source, LlamaConfig config, IReadOnlyDictionary<string, QuantizedTensor> packed) =>
            IsFrozen ? LlamaWeightLoader.LoadFrozen(source, config, Storage, packed) : LlamaWeightLoader.Load(source, config);
    }

    /// <summary>A model without its tokenizer.</summary>
    internal sealed record LoadedWeights(LlamaModel Model, ModelFormat Format, IReadOnlyDictionary<string, QuantizedTensor> Quantized)
    {
        /// <summary>Where a quantized model comes from.</summary>
        public ModelProvenance? Provenance { get; init; }
    }
}
