using System.Text.Json;
using Pique.Formats.Gguf.Tokenizers;
using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Formats.HuggingFace;

/// <summary>Writes a model as a Hugging Face folder: config.json, model.safetensors and the tokenizer's files. The folder appears whole or not at all.</summary>
public static class HuggingFaceWriter
{
    private static readonly IReadOnlyDictionary<string, string> Metadata = new Dictionary<string, string> { ["format"] = "pt" };

    /// <summary>Writes a model in full precision.</summary>
    /// <param name="folder">Folder to write; replaced where it holds an older model.</param>
    /// <param name="model">The latent weights are written, frozen ones with their adapters' updates; quantizers are left out.</param>
    /// <param name="tokenizer">Names the tokens that open and end a text.</param>
    /// <param name="tokenizerFiles">Files to copy; tok*.model and tok*.bin are copied as tokenizer.model and tokenizer.bin.</param>
    /// <param name="dtype">BF16 (rounded to the nearest) or F32 (exact).</param>
    /// <exception cref="InputException">The folder cannot be written to or holds other files.</exception>
    /// <exception cref="RunFailedException">A weight is not finite, or writing failed.</exception>
    public static void Save(string folder, LlamaModel model, ITextTokenizer tokenizer, IReadOnlyList<string> tokenizerFiles, SafetensorsDtype dtype = SafetensorsDtype.BF16)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (dtype is not (SafetensorsDtype.BF16 or SafetensorsDtype.F32))
            throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "BF16 or F32");

        IEnumerable<SafetensorsEntry> entries = Weights(model).Select(weight => WeightEntry.Create(weight, dtype));
        string dtypeName = dtype == SafetensorsDtype.F32 ? "float32" : "bfloat16";
        WriteFolder(folder, entries, tokenizerFiles, json => LlamaConfigJson.Write(json, model.Config, dtypeName, tokenizer));
    }

    /// <summary>Writes a quantized model: packed codes, scales and zero points of every quantized weight, all other weights in float32, and the bits of quantized activations.</summary>
    /// <param name="folder">Folder to write; replaced where it holds an older model.</param>
    /// <param name="model">Gives the shape, the weights that are not quantized and the activation quantizers.</param>
    /// <param name="quantized">Quantized weights by layer name without ".weight".</param>
    /// <param name="tokenizer">Names the tokens that open and end a text.</param>
    /// <param name="tokenizerFiles">Files to copy, as in <see cref="Save"/>.</param>
    /// <param name="provenance">Where the model comes from; null where that is not known.</param>
    /// <exception cref="ArgumentException">A quantized weight is none of the model's.</exception>
    /// <exception cref="InputException">The folder cannot be written to or holds other files.</exception>
    /// <exception cref="RunFailedException">A weight is not finite, or writing failed.</exception>
    public static void SavePacked(
        string folder,
        LlamaModel model,
        IReadOnlyDictionary<string, QuantizedTensor> quantized,
        ITextTokenizer tokenizer,
        IReadOnlyList<string> tokenizerFiles,
        ModelProvenance? provenance = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(quantized);
        Dictionary<string, ModelWeight> weights = Weights(model).ToDictionary(weight => weight.Name, StringComparer.Ordinal);
        List<SafetensorsEntry> entries = [];
        foreach ((string layer, QuantizedTensor tensor) in quantized)
        {
            string name = layer + PackedLayer.WeightSuffix;
            if (!weights.Remove(name, out ModelWeight? weight) || !weight.Shape.SequenceEqual([tensor.Rows, tensor.Columns]))
                throw new ArgumentException($"quantized layer \"{layer}\" of shape [{tensor.Rows}, {tensor.Columns}] is none of the model's", nameof(quantized));
            entries.AddRange(PackedLayer.Entries(name, tensor));
        }

        Dictionary<string, int> activationBits = model.QuantizableLayers
            .Where(entry => entry.Layer is QuantizedLinear { ActivationQuantizer: not null })
            .ToDictionary(entry => entry.Name, entry => ((QuantizedLinear)entry.Layer).ActivationQuantizer!.Bits, StringComparer.Ordinal);
        entries.AddRange(weights.Values.Select(weight => WeightEntry.Create(weight, SafetensorsDtype.F32)));
        WriteFolder(folder, entries, tokenizerFiles, json =>
            LlamaConfigJson.Write(json, model.Config, "float32", tokenizer, value => PackedQuantizationJson.Write(value, quantized, activationBits, provenance)));
    }

    private static IEnumerable<ModelWeight> Weights(LlamaModel model)
    {
        Dictionary<string, ModelWeight> weights = ModelWeight.Of(model, withAdapters: true).ToDictionary(weight => weight.Name, StringComparer.Ordinal);
        return LlamaWeightShapes.Of(model.Config).Select(weight => weights[weight.Name]);
    }

    private static void WriteFolder(string folder, IEnumerable<SafetensorsEntry> entries, IReadOnlyList<string> tokenizerFiles, Action<Utf8JsonWriter> writeConfig) =>
        AtomicFolder.Write(folder, HuggingFaceNames.IsWritten, partial =>
        {
            SafetensorsWriter.Write(Path.Combine(partial, HuggingFaceNames.Weights), entries, Metadata);
            AtomicFile.Write(Path.Combine(partial, HuggingFaceNames.Config), stream =>
            {
                using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
                writeConfig(json);
                json.Flush();
                stream.WriteByte((byte)'\n');
            });
            foreach (string source in tokenizerFiles)
                Copy(source, Path.Combine(partial, HuggingFaceNames.CompanionName(source)));
        });

    /// <summary>Copies a file of the tokenizer; of a GGUF file, which may hold a model, the tokenizer alone.</summary>
    private static void Copy(string source, string target)
    {
        if (Path.GetExtension(source) == GgufTokenizerFile.Extension)
        {
            GgufTokenizerFile.Extract(source, target);
            return;
        }
        using FileStream content = new(InputFile.Open(source), FileAccess.Read);
        AtomicFile.Write(target, content.CopyTo);
    }
}
