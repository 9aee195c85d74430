using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Tokenizers;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Gguf.Tokenizers;

public sealed class GgufTokenizerReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string File => _folder.File("file.gguf");

    public void Dispose() => _folder.Dispose();

    /// <summary>Three control tokens, then letters and what two merges make of them.</summary>
    private static Dictionary<string, GgufValue> BytePairs() => new()
    {
        [GgufTokenizerKeys.Model] = GgufValue.Of("gpt2"),
        [GgufTokenizerKeys.PreTokenizer] = GgufValue.Of("gpt-2"),
        [GgufTokenizerKeys.Tokens] = GgufValue.Of((string[])["<s>", "</s>", "<unk>", "a", "b", "Ġ", "ab", "Ġab", "<tool>"]),
        [GgufTokenizerKeys.TokenTypes] = GgufValue.Of((int[])[3, 3, 2, 1, 1, 1, 1, 1, 4]),
        [GgufTokenizerKeys.Merges] = GgufValue.Of((string[])["a b", "Ġ ab"]),
    };

    private static Dictionary<string, GgufValue> SentencePiece() => new()
    {
        [GgufTokenizerKeys.Model] = GgufValue.Of("llama"),
        [GgufTokenizerKeys.Tokens] = GgufValue.Of((string[])["<unk>", "<s>", "</s>", "▁", "a", "b", "▁a", "ab", "<b>"]),
        [GgufTokenizerKeys.Scores] = GgufValue.Of((float[])[0, 0, 0, -9, -9, -9, -1, -2, 0]),
        [GgufTokenizerKeys.TokenTypes] = GgufValue.Of((int[])[2, 3, 3, 1, 1, 1, 1, 1, 4]),
    };

    private ITextTokenizer Read(Dictionary<string, GgufValue> pairs)
    {
        GgufMetadata metadata = new();
        foreach ((string key, GgufValue value) in pairs)
            metadata.Add(key, value);
        GgufWriter.Write(File, metadata, []);
        return VocabularyFile.Read(File);
    }

    private string ErrorOf(Dictionary<string, GgufValue> pairs) =>
        Assert.Throws<InputException>(() => Read(pairs)).Message.Replace(File, "FILE", StringComparison.Ordinal);

    private static Dictionary<string, GgufValue> With(Dictionary<string, GgufValue> pairs, string key, GgufValue? value)
    {
        if (value is null)
            pairs.Remove(key);
        else
            pairs[key] = value;
        return pairs;
    }

    [Fact]
    public void Byte_pairs_merge_by_rank_find_user_defined_tokens_and_leave_control_tokens_text()
    {
        Dictionary<string, GgufValue> pairs = With(BytePairs(), GgufTokenizerKeys.BeginId, GgufValue.Of(0u));
        ITextTokenizer tokenizer = Read(With(pairs, GgufTokenizerKeys.EndId, GgufValue.Of(1u)));

        Assert.Equal((9, 0, 1, null), (tokenizer.VocabularySize, tokenizer.BeginOfTextId, tokenizer.EndOfTextId, tokenizer.UnknownId));
        Assert.Equal([6, 7, 8, 6], tokenizer.Encode("ab ab<tool>ab"));
        Assert.Equal("ab ab<tool>", tokenizer.Decode([0, 6, 7, 8, 1]));
        Assert.Equal("a\uFFFD", tokenizer.Decode([3, 99]));
    }

    [Fact]
    public void A_byte_without_a_token_is_an_error_that_names_its_character()
    {
        ITextTokenizer tokenizer = Read(BytePairs());

        Assert.Equal(
            "text: the vocabulary has no token for byte 0xC3 of 'é' (U+00E9) at index 2, and no unknown token; remove or replace the character.",
            Assert.Throws<InputException>(() => tokenizer.Encode("abé")).Message);
    }

    [Fact]
    public void SentencePiece_merges_by_score_and_puts_a_space_before_text_and_after_user_defined_tokens()
    {
        ITextTokenizer tokenizer = Read(SentencePiece());

        Assert.Equal((9, 1, 2, 0), (tokenizer.VocabularySize, tokenizer.BeginOfTextId, tokenizer.EndOfTextId, tokenizer.UnknownId));
        Assert.Equal([6, 5, 8, 6, 5], tokenizer.Encode("ab<b>ab"));
        Assert.Equal([7, 8, 6, 5], tokenizer.Encode("ab<b>ab", continuation: true));
        Assert.Equal([3, 0, 4], tokenizer.Encode("éa"));
        Assert.Equal("ab", tokenizer.Decode([1, 6, 5, 0, 2]));
    }

    [Fact]
    public void Keys_turn_the_space_prefix_off_and_the_removal_of_spaces_on()
    {
        Dictionary<string, GgufValue> pairs = With(SentencePiece(), GgufTokenizerKeys.AddsSpacePrefix, GgufValue.Of(false));
        Assert.Equal([7, 3, 6], Read(pairs).Encode("ab  a"));
        Assert.Equal([7, 6], Read(With(pairs, GgufTokenizerKeys.RemovesExtraSpaces, GgufValue.Of(true))).Encode(" ab  a "));
    }

    [Fact]
    public void What_a_file_leaves_out_is_as_in_llama_cpp()
    {
        Dictionary<string, GgufValue> pairs = With(SentencePiece(), GgufTokenizerKeys.Scores, null);
        // Without types every token is text, and of equal scores the leftmost merges first.
        ITextTokenizer tokenizer = Read(With(pairs, GgufTokenizerKeys.TokenTypes, null));
        Assert.Equal([6, 5], tokenizer.Encode("ab"));

        Dictionary<string, GgufValue> noName = With(BytePairs(), GgufTokenizerKeys.PreTokenizer, null);
        noName[GgufTokenizerKeys.Tokens] = GgufValue.Of((string[])["<s>", "", "1", "2", "12", "3", "123", "1231", "x"]);
        noName[GgufTokenizerKeys.Merges] = GgufValue.Of((string[])["1 2", "12 3", "123 1"]);
        noName[GgufTokenizerKeys.TokenTypes] = GgufValue.Of((int[])[3, 1, 1, 1, 1, 1, 1, 1, 1]);
        tokenizer = Read(noName);
        Assert.Equal([6, 2], tokenizer.Encode("1231"));
        Assert.Equal("[EMPTY_1]", tokenizer.Decode([1]));
    }

    [Fact]
    public void Tokens_that_llama_cpp_takes_for_control_tokens_by_their_names_are_not_found_in_text()
    {
        Dictionary<string, GgufValue> pairs = SentencePiece();
        pairs[GgufTokenizerKeys.Tokens] = GgufValue.Of((string[])["<unk>", "<s>", "x", "▁", "a", "b", "▁a", "ab", "</s>"]);

        Assert.DoesNotContain(8, Read(pairs).Encode("a</s>b"));
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "no model", "FILE: key \"tokenizer.ggml.model\" is absent, expected a string; export the model again" },
        { "unigrams", "FILE: key \"tokenizer.ggml.model\" is \"t5\", expected llama (SentencePiece) or gpt2 (byte pairs); choose a model with one of these tokenizers" },
        { "no tokens", "FILE: key \"tokenizer.ggml.tokens\" is absent, expected an array of strings; export the model again" },
        { "numbers for tokens", "FILE: key \"tokenizer.ggml.tokens\" is array of Int32, expected an array of strings; export the model again" },
        { "zero tokens", "FILE: key \"tokenizer.ggml.tokens\" has 0 elements, expected 1 to 1048576; export the model again" },
        { "too many tokens", "FILE: key \"tokenizer.ggml.tokens\" has 1048577 elements, expected 1 to 1048576; export the model again" },
        { "a token twice", "FILE: key \"tokenizer.ggml.tokens\" has \"a\" as elements 0 and 8, expected every token once; export the model again" },
        { "few types", "FILE: key \"tokenizer.ggml.token_type\" has 1 elements, expected one for each of the 9 tokens; export the model again" },
        { "type 7", "FILE: key \"tokenizer.ggml.token_type\" has 7 as element 2, expected 0 to 6; export the model again" },
        { "many scores", "FILE: key \"tokenizer.ggml.scores\" has 10 elements, expected one for each of the 9 tokens; export the model again" },
        { "no number", "FILE: key \"tokenizer.ggml.scores\" has NaN as element 1, expected numbers; export the model again" },
        { "begin beyond the tokens", "FILE: key \"tokenizer.ggml.bos_token_id\" is 9, expected the id of one of 9 tokens; export the model again" },
        { "end below the tokens", "FILE: key \"tokenizer.ggml.eos_token_id\" is -1, expected the id of one of 9 tokens; export the model again" },
        { "begin as text", "FILE: key \"tokenizer.ggml.bos_token_id\" is String, expected an integer; export the model again" },
        { "no merges", "FILE: key \"tokenizer.ggml.merges\" is absent, expected an array of strings; export the model again" },
        { "a merge of one", "FILE: key \"tokenizer.ggml.merges\" has \"ab\" as element 1, expected two tokens parted by a space; export the model again" },
        { "a merge of nothing", "FILE: key \"tokenizer.ggml.merges\" has \"a \" as element 0, expected two tokens parted by a space; export the model again" },
        { "a merge without token", "FILE: key \"tokenizer.ggml.merges\"[0]: \"b\" + \"a\" needs the token \"ba\", which the vocabulary lacks; fetch the file again." },
        { "unknown pre-tokenizer", "FILE: key \"tokenizer.ggml.pre\" is \"abacus\", expected one of " },
        { "endless tokens", "FILE: has tokens of up to 40000 characters, far more than any vocabulary in use; the file is damaged, or made to take up time." },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Wrong_metadata_is_refused_with_its_key(string fault, string message)
    {
        Dictionary<string, GgufValue> pairs = fault switch
        {
            "no model" => With(BytePairs(), GgufTokenizerKeys.Model, null),
            "unigrams" => With(BytePairs(), GgufTokenizerKeys.Model, GgufValue.Of("t5")),
            "no tokens" => With(BytePairs(), GgufTokenizerKeys.Tokens, null),
            "numbers for tokens" => With(BytePairs(), GgufTokenizerKeys.Tokens, GgufValue.Of((int[])[1])),
            "zero tokens" => With(BytePairs(), GgufTokenizerKeys.Tokens, GgufValue.Of(Array.Empty<string>())),
            "too many tokens" => With(BytePairs(), GgufTokenizerKeys.Tokens, GgufValue.Of(Enumerable.Repeat("", TokenizerFile.MaximumVocabularySize + 1).ToArray())),
            "a token twice" => With(BytePairs(), GgufTokenizerKeys.Tokens, GgufValue.Of((string[])["a", "b", "c", "d", "e", "f", "g", "h", "a"])),
            "few types" => With(BytePairs(), GgufTokenizerKeys.TokenTypes, GgufValue.Of((int[])[1])),
            "type 7" => With(BytePairs(), GgufTokenizerKeys.TokenTypes, GgufValue.Of((int[])[1, 1, 7, 1, 1, 1, 1, 1, 1])),
            "many scores" => With(SentencePiece(), GgufTokenizerKeys.Scores, GgufValue.Of(new float[10])),
            "no number" => With(SentencePiece(), GgufTokenizerKeys.Scores, GgufValue.Of((float[])[0, float.NaN, 0, 0, 0, 0, 0, 0, 0])),
            "begin beyond the tokens" => With(SentencePiece(), GgufTokenizerKeys.BeginId, GgufValue.Of(9u)),
            "end below the tokens" => With(BytePairs(), GgufTokenizerKeys.EndId, GgufValue.Of(-1)),
            "begin as text" => With(BytePairs(), GgufTokenizerKeys.BeginId, GgufValue.Of("a")),
            "no merges" => With(BytePairs(), GgufTokenizerKeys.Merges, null),
            "a merge of one" => With(BytePairs(), GgufTokenizerKeys.Merges, GgufValue.Of((string[])["a b", "ab"])),
            "a merge of nothing" => With(BytePairs(), GgufTokenizerKeys.Merges, GgufValue.Of((string[])["a "])),
            "a merge without token" => With(BytePairs(), GgufTokenizerKeys.Merges, GgufValue.Of((string[])["b a"])),
            "unknown pre-tokenizer" => With(BytePairs(), GgufTokenizerKeys.PreTokenizer, GgufValue.Of("abacus")),
            _ => With(SentencePiece(), GgufTokenizerKeys.Tokens, GgufValue.Of((string[])["<unk>", "<s>", "</s>", "▁", "a", "b", "▁a", new string('a', 40_000), "ab"])),
        };

        Assert.StartsWith(message, ErrorOf(pairs), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_damaged_byte_is_refused_or_read_but_never_crashes()
    {
        Read(BytePairs());
        byte[] whole = System.IO.File.ReadAllBytes(File);
        string damagedFile = _folder.File("damaged.gguf");
        int refused = 0;
        for (int position = 0; position < whole.Length; position++)
        {
            System.IO.File.WriteAllBytes(damagedFile, [.. whole[..position], (byte)~whole[position], .. whole[(position + 1)..]]);
            try
            {
                VocabularyFile.Read(damagedFile).Encode("ab");
            }
            catch (InputException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, whole.Length / 8, whole.Length);
    }

    /// <summary>The pairs are those of llama.cpp's tokenizer tests; a separator follows every text.</summary>
    [Theory]
    [InlineData("tokenizers/llama2/ggml-vocab-llama-spm.gguf")]
    [InlineData("tokenizers/gpt2/ggml-vocab-gpt-2.gguf")]
    public void Real_vocabularies_give_the_ids_of_llama_cpp(string name)
    {
        string path = SharedData.PathOrSkip(name);
        TokenizerPairs.Check(VocabularyFile.Read(path), System.IO.File.ReadAllText(path + ".inp").Split("\n__ggml_vocab_test__\n")[..^1], System.IO.File.ReadAllLines(path + ".out"));
    }
}
