using System.Text.Json;
using System.Text.RegularExpressions;
using Pique.Formats;
using Pique.Formats.Gguf.Tokenizers;

namespace Pique.Tests.Formats.Gguf.Tokenizers;

/// <summary>The small vocabularies give the ids that llama.cpp made from their GGUF files. How, says Golden/README.md.</summary>
public sealed partial class LlamaCppPairsTests : IDisposable
{
    private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "Formats", "Gguf", "Tokenizers", "Golden");

    private static readonly string[] Texts = JsonSerializer.Deserialize<string[]>(File.ReadAllText(Path.Combine(Golden, "texts.json")))!;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> PreTokenizerNames => [.. PreTokenizers.All.Select(known => known.Name)];

    public void Dispose() => _folder.Dispose();

    /// <summary>Writes the vocabulary that a golden file belongs to.</summary>
    /// <param name="name">Name of the golden file.</param>
    /// <param name="folder">Folder to write to.</param>
    /// <returns>The vocabulary file.</returns>
    internal static string WriteVocabulary(string name, string folder) => name switch
    {
        "llama2c" => SmallVocabulary.WriteLlama2C(Path.Combine(folder, "tok.bin")),
        "sentencepiece" => SmallVocabulary.WriteSentencePiece(Path.Combine(folder, "tokenizer.model"), removeExtraSpaces: false),
        "merges" => SmallVocabulary.WriteScored(Path.Combine(folder, "tokenizer.json")),
        _ => SmallVocabulary.WriteByteLevel(folder, SmallVocabulary.DigitsThenBytes),
    };

    [Theory]
    [InlineData("llama2c")]
    [InlineData("sentencepiece")]
    [InlineData("merges")]
    [InlineData("smollm")]
    public void Tokenizers_that_were_written_give_the_ids_of_llama_cpp_before_and_after(string name)
    {
        (ITextTokenizer original, ITextTokenizer copy) = VocabularyFile.RoundTrip(_folder.File("copy.gguf"), WriteVocabulary(name, _folder.Path));
        string[] lines = File.ReadAllLines(Path.Combine(Golden, $"{name}.ids"));

        TokenizerPairs.Check(original, Texts, lines);
        TokenizerPairs.Check(copy, Texts, lines);
    }

    [Theory]
    [MemberData(nameof(PreTokenizerNames))]
    public void Every_pre_tokenizer_cuts_as_llama_cpp_does(string name)
    {
        string path = _folder.File("file.gguf");
        VocabularyFile.WriteByteLevel(path, _folder.Path, name);
        string[] lines = File.ReadAllLines(Path.Combine(Golden, $"{name}.ids"));

        // Where llama.cpp is known to cut otherwise, it is at combining marks: texts without them remain.
        int[] compared = [.. Enumerable.Range(0, Texts.Length).Where(index => PreTokenizers.Find(name)!.Deviation is null || !Marks().IsMatch(Texts[index]))];
        TokenizerPairs.Check(VocabularyFile.Read(path), [.. compared.Select(index => Texts[index])], [.. compared.Select(index => lines[index])]);
    }

    /// <summary>Writes the files that the golden ids are made from, see Golden/README.md.</summary>
    [Fact(Explicit = true)]
    public void Write_the_vocabularies_for_llama_cpp()
    {
        string target = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "vocabularies")).FullName;
        foreach (string name in (string[])["llama2c", "sentencepiece", "merges"])
            VocabularyFile.RoundTrip(Path.Combine(target, $"{name}.gguf"), WriteVocabulary(name, _folder.Path));
        foreach (PreTokenizer known in PreTokenizers.All)
            VocabularyFile.WriteByteLevel(Path.Combine(target, $"{known.Name}.gguf"), _folder.Path, known.Name);
    }

    [GeneratedRegex(@"\p{M}")]
    private static partial Regex Marks();
}
