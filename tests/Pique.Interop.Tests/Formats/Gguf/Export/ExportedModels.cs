using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Formats.Tokenizers;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Interop.Tests.Formats.Gguf.Export;

/// <summary>Models with a vocabulary, stored as the program stores them and loaded again.</summary>
internal static class ExportedModels
{
    /// <summary>A model in full precision.</summary>
    /// <param name="folder">Takes its files.</param>
    /// <param name="model">The model; disposed here.</param>
    public static LoadedModel FullPrecision(TemporaryFolder folder, LlamaModel model)
    {
        using (model)
        {
            LoadedTokenizer tokenizer = Tokenizer(folder, model.VocabularySize);
            HuggingFaceWriter.Save(folder.File("model"), model, tokenizer.Tokenizer, tokenizer.SourceFiles, SafetensorsDtype.F32);
        }

        return ModelLoader.Load(folder.File("model"));
    }

    /// <summary>A model rounded to the nearest codes.</summary>
    /// <param name="folder">Takes its files.</param>
    /// <param name="model">The model; disposed here.</param>
    /// <param name="policy">How each layer is quantized.</param>
    public static LoadedModel Rounded(TemporaryFolder folder, LlamaModel model, Func<string, WeightQuantizationSpec?> policy)
    {
        using (model)
        {
            LoadedTokenizer tokenizer = Tokenizer(folder, model.VocabularySize);
            IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.RoundToNearest(model.QuantizableLayers, policy, ScaleMethod.MinimumError);
            HuggingFaceWriter.SavePacked(folder.File("model"), model, packed, tokenizer.Tokenizer, tokenizer.SourceFiles);
        }

        return ModelLoader.Load(folder.File("model"));
    }

    private static LoadedTokenizer Tokenizer(TemporaryFolder folder, int vocabularySize)
    {
        string[] texts = [.. Enumerable.Range(1, 40).Select(number => $"Line {number} of a tale told {number} times over, and then some.")];
        TokenizerJsonWriter.Write(folder.File("tokenizer"), BytePairTrainer.Train(texts, vocabularySize));
        return TokenizerLoader.Load(folder.File("tokenizer"));
    }
}
