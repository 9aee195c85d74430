using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Describes a model's tokenizer in the metadata of a GGUF file, so that llama.cpp encodes text as the model's own tokenizer does.</summary>
/// <remarks>What no key can say is returned as a warning. Keys and values are those of llama.cpp's converter, but for the scores of merges, which it leaves out.</remarks>
internal static class GgufTokenizerWriter
{
    /// <summary>Adds the keys.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="tokenizerFiles">Files the tokenizer was read from, the vocabulary first: tokenizer.json, a SentencePiece model, a llama2.c vocabulary or a GGUF file.</param>
    /// <param name="vocabularySize">Rows of the model's embedding; ids without a token get one that is never used.</param>
    /// <returns>What a user must know: where llama.cpp encodes text otherwise than this tokenizer.</returns>
    /// <exception cref="InputException">A file is missing or malformed, or llama.cpp has no form for the tokenizer.</exception>
    public static IReadOnlyList<string> Add(GgufMetadata metadata, IReadOnlyList<string> tokenizerFiles, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(tokenizerFiles);
        ArgumentOutOfRangeException.ThrowIfZero(tokenizerFiles.Count, nameof(tokenizerFiles));
        string path = tokenizerFiles[0];
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (Path.GetExtension(path) == GgufTokenizerFile.Extension)
            return GgufTokenizerFile.Copy(metadata, path, vocabularySize);

        List<string> warnings = [];
        switch (Path.GetExtension(path))
        {
            case ".json":
                TokenizerJsonKeys.Write(metadata, path, folder, vocabularySize, warnings);
                break;
            case ".model":
                SentencePieceKeys.Write(metadata, SentencePieceReader.Read(path), folder, vocabularySize, warnings);
                break;
            case ".bin":
                SentencePieceKeys.Write(metadata, Llama2CVocabularyReader.Read(path), folder, vocabularySize, warnings);
                break;
            default:
                throw new InputException($"{path}: is no vocabulary; expected tokenizer.json, tokenizer.model (SentencePiece), tok*.bin (llama2.c) or a .gguf file");
        }
        WarnOfDefaultEnd(metadata, path, vocabularySize, warnings);
        ChatTemplates.Write(metadata, folder);
        return warnings;
    }

    /// <summary>Where a file names no token that ends a text, llama.cpp takes one by its number.</summary>
    private static void WarnOfDefaultEnd(GgufMetadata metadata, string path, int vocabularySize, List<string> warnings)
    {
        int assumed = metadata.Text(GgufTokenizerKeys.Model) == GgufTokenizerKeys.SentencePieceModel ? 2 : 11;
        if (!metadata.Contains(GgufTokenizerKeys.EndId) && assumed < vocabularySize)
            warnings.Add($"{path}: names no token that ends a text; llama.cpp takes token {assumed} for it and stops there. Name one as eos_token in {SpecialTokenIds.ConfigName}.");
    }
}
