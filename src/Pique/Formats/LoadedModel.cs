using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Formats;

/// <summary>A model with its tokenizer, as read from a path.</summary>
/// <param name="Model">The model, float32; quantized weights are dequantized, activations quantized where the model was stored so.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
/// <param name="TokenizerFiles">Files the tokenizer was read from; a saved model takes copies of them.</param>
/// <param name="Path">The folder or file.</param>
/// <param name="Format">How the model is stored.</param>
/// <param name="Quantized">Quantized weights by layer name without ".weight"; empty in full precision.</param>
/// <param name="Digest">Digest of the parameters, see <see cref="ModelDigest"/>.</param>
public sealed record LoadedModel(
    LlamaModel Model,
    ITextTokenizer Tokenizer,
    IReadOnlyList<string> TokenizerFiles,
    string Path,
    ModelFormat Format,
    IReadOnlyDictionary<string, QuantizedTensor> Quantized,
    string Digest) : IDisposable
{
    /// <summary>Where a quantized model comes from; null in full precision, and where the model does not say.</summary>
    public ModelProvenance? Provenance { get; init; }

    /// <summary>Frees the model.</summary>
    public void Dispose() => Model.Dispose();
}
