using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>A tokenizer kept in a GGUF file: with a model, or alone in a model folder whose tokenizer came from one.</summary>
internal static class GgufTokenizerFile
{
    /// <summary>Extension of such files.</summary>
    public const string Extension = ".gguf";

    /// <summary>Name of such a file in a model folder.</summary>
    public const string FileName = "tokenizer.gguf";

    private const string ArchitectureKey = "general.architecture";

    /// <summary>Writes the tokenizer of a GGUF file into one without tensors. Equal tokenizers of equal architectures give equal bytes.</summary>
    /// <param name="source">The file to read.</param>
    /// <param name="target">The file to write.</param>
    /// <exception cref="InputException">A file cannot be read or written, or the source has no tokenizer.</exception>
    public static void Extract(string source, string target)
    {
        GgufMetadata metadata = new();
        using (GgufFile file = GgufFile.Open(source))
        {
            // llama.cpp refuses a file that names none, even to look at its vocabulary.
            if (file.Metadata.TextOrNull(ArchitectureKey) is { } architecture)
                metadata.Add(ArchitectureKey, architecture);
            CopyKeys(file, metadata);
        }
        GgufWriter.Write(target, metadata, []);
    }

    /// <summary>Copies the keys of the tokenizer of a GGUF file, tokens added up to a size.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="source">The file to read.</param>
    /// <param name="vocabularySize">Rows of the model's embedding.</param>
    /// <returns>Nothing to warn of: what llama.cpp did with the source it does with the copy.</returns>
    /// <exception cref="InputException">The file cannot be read, or has more tokens than the model.</exception>
    public static IReadOnlyList<string> Copy(GgufMetadata metadata, string source, int vocabularySize)
    {
        using GgufFile file = GgufFile.Open(source);
        GgufTokens tokens = GgufTokens.Read(file);
        if (tokens.Texts.Count == vocabularySize)
        {
            CopyKeys(file, metadata);
            return [];
        }

        GgufVocabulary padded = new(source, [.. tokens.Texts.Select((text, id) => ((string, float, PieceType)?)(text, tokens.Scores?[id] ?? 0, tokens.Types[id]))], vocabularySize);
        foreach ((string key, GgufValue value) in file.Metadata)
        {
            if (key == GgufTokenizerKeys.Tokens)
                padded.Write(metadata, withScores: tokens.Scores is not null);
            else if (key.StartsWith(GgufTokenizerKeys.Prefix, StringComparison.Ordinal) && key is not (GgufTokenizerKeys.Scores or GgufTokenizerKeys.TokenTypes))
                metadata.Add(key, value);
        }
        return [];
    }

    private static void CopyKeys(GgufFile file, GgufMetadata metadata)
    {
        _ = file.Metadata.Text(GgufTokenizerKeys.Model);
        foreach ((string key, GgufValue value) in file.Metadata)
        {
            if (key.StartsWith(GgufTokenizerKeys.Prefix, StringComparison.Ordinal))
                metadata.Add(key, value);
        }
    }
}
