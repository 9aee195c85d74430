using System.Globalization;
using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Tokenizers;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Gguf.Tokenizers;

/// <summary>A GGUF file with nothing but a tokenizer.</summary>
internal static class VocabularyFile
{
    /// <summary>Writes the tokenizer that files describe.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="tokenizerFiles">Files of the tokenizer.</param>
    /// <param name="vocabularySize">Number of tokens.</param>
    /// <returns>The writer's warnings.</returns>
    public static IReadOnlyList<string> Write(string path, IReadOnlyList<string> tokenizerFiles, int vocabularySize)
    {
        GgufMetadata metadata = new();
        metadata.Add("general.architecture", "llama");
        IReadOnlyList<string> warnings = GgufTokenizerWriter.Add(metadata, tokenizerFiles, vocabularySize);
        GgufWriter.Write(path, metadata, []);
        return warnings;
    }

    /// <summary>Writes the small vocabulary over the byte alphabet under the name of any pre-tokenizer.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="folder">Takes the tokenizer.json it is made from.</param>
    /// <param name="preTokenizer">Name of the pre-tokenizer.</param>
    public static void WriteByteLevel(string path, string folder, string preTokenizer)
    {
        GgufMetadata written = new();
        GgufTokenizerWriter.Add(written, TokenizerLoader.Load(SmallVocabulary.WriteByteLevel(folder, SmallVocabulary.DigitsThenBytes)).SourceFiles, SmallVocabulary.ByteLevelSize);
        GgufMetadata metadata = new();
        metadata.Add("general.architecture", "llama");
        foreach ((string key, GgufValue value) in written)
            metadata.Add(key, key == GgufTokenizerKeys.PreTokenizer ? GgufValue.Of(preTokenizer) : value);
        GgufWriter.Write(path, metadata, []);
    }

    /// <summary>Reads the tokenizer of a file.</summary>
    public static ITextTokenizer Read(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        return GgufTokenizerReader.Read(file);
    }

    /// <summary>A tokenizer, and the same written to a GGUF file and read again.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="source">Folder or file of the tokenizer.</param>
    public static (ITextTokenizer Original, ITextTokenizer Copy) RoundTrip(string path, string source)
    {
        LoadedTokenizer loaded = TokenizerLoader.Load(source);
        Write(path, loaded.SourceFiles, loaded.Tokenizer.VocabularySize);
        return (loaded.Tokenizer, Read(path));
    }

    /// <summary>The keys a writer adds, arrays by their length and first element.</summary>
    public static string Describe(GgufMetadata metadata) => string.Join('\n', metadata.Select(pair => $"{pair.Key} = {Describe(pair.Value)}"));

    private static string Describe(GgufValue value) => value switch
    {
        { Texts: { } texts } => $"{texts.Count} strings, \"{texts[0]}\" the first",
        { Floats: { } floats } => FormattableString.Invariant($"{floats.Count} floats, {floats[0]} the first"),
        { Integers: { } integers } => $"{integers.Count} integers, {integers[0]} the first",
        _ => value.Text ?? value.Flag?.ToString() ?? value.Integer?.ToString(CultureInfo.InvariantCulture) ?? value.Describe(),
    };
}
