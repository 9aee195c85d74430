using Pique.Formats;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Tokenizers;

public sealed class TokenizerJsonReaderTests : IDisposable
{
    private const string Model = """{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<unk>":3},"merges":["a b"]}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private ITextTokenizer Load(string json) => TokenizerLoader.Load(_folder.Write("tokenizer.json", json)).Tokenizer;

    private string ErrorOf(string json) =>
        Assert.Throws<InputException>(() => Load(json)).Message.Replace(_folder.File("tokenizer.json"), "FILE", StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"model":{"type":"Unigram"}}""",
        "FILE: model.type: \"Unigram\" is not supported; supported: BPE. Use a checkpoint whose tokenizer is built from these.")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"NFKC"}}""",
        "FILE: normalizer: \"NFKC\" is not supported; supported: Sequence, NFC, Prepend, Replace. Use a checkpoint whose tokenizer is built from these.")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits"},{"type":"Bert"}]}}""",
        "FILE: pre_tokenizer.pretokenizers[1]: \"Bert\" is not supported; supported: Sequence, Digits, ByteLevel, Split, Metaspace. Use a checkpoint whose tokenizer is built from these.")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"decoder":{"type":"WordPiece"}}""",
        "FILE: decoder: \"WordPiece\" is not supported; supported: Sequence, ByteLevel, ByteFallback, Fuse, Replace before Fuse, Strip after Fuse, Metaspace. Use a checkpoint whose tokenizer is built from these.")]
    [InlineData("""{"version":"1.0"}""", "FILE: model: found nothing, expected an object; fetch the file again or correct it.")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":-1},"merges":[]}}""",
        "FILE: model.vocab[\"b\"]: found -1, expected a whole number from 0 up; fetch the file again or correct it.")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":2000000000},"merges":[]}}""",
        "FILE: model.vocab[\"b\"]: found 2000000000, expected an id below 1048576; fetch the file again or correct it.")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":0},"merges":[]}}""",
        "FILE: \"a\" and \"b\" share id 0; every token needs its own. Fetch the file again.")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":1},"merges":["a b c"]}}""",
        "FILE: model.merges[0]: found \"a b c\", expected two tokens; fetch the file again or correct it.")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":1},"merges":["a b"]}}""",
        "FILE: model.merges[0]: \"a\" + \"b\" needs the token \"ab\", which the vocabulary lacks; fetch the file again.")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b","a b"]}}""",
        "FILE: model.merges[1]: \"a\" + \"b\" is listed before; each merge stands once. Fetch the file again.")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[],"unk_token":"?"}}""",
        "FILE: model.unk_token: found \"?\", expected a token of the vocabulary; fetch the file again or correct it.")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[],"dropout":0.1}}""",
        "FILE: model.dropout: found 0.1, expected null: encoding is deterministic; fetch the file again or correct it.")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[],"fuse_unk":1}}""",
        "FILE: model.fuse_unk: found 1, expected true or false; fetch the file again or correct it.")]
    [InlineData("[]", "FILE: found [], expected an object; fetch the file again or correct it.")]
    public void A_wrong_file_is_refused_with_its_place(string json, string message) => Assert.Equal(message, ErrorOf(json));

    [Fact]
    public void Broken_json_is_refused() => Assert.StartsWith("FILE: no valid JSON (", ErrorOf("{\"model\":"), StringComparison.Ordinal);

    [Fact]
    public void A_pattern_that_NET_does_not_know_is_refused()
    {
        string json = $$$"""{"model":{{{Model}}},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"a++("},"behavior":"Isolated"}}""";

        Assert.StartsWith("FILE: pre_tokenizer.pattern.Regex: the pattern a++( is none that .NET understands", ErrorOf(json), StringComparison.Ordinal);
    }

    [Fact]
    public void A_character_without_token_is_an_error_where_there_is_no_unknown_token()
    {
        ITextTokenizer tokenizer = Load($$"""{"model":{{Model}}}""");

        Assert.Null(tokenizer.UnknownId);
        Assert.Equal(
            "text: the vocabulary has no token for '🙂' (U+1F642) at index 2, and no unknown token; remove or replace the character.",
            Assert.Throws<InputException>(() => tokenizer.Encode("ab🙂")).Message);
        Assert.Equal([new UnknownCharacter("🙂", 2)], tokenizer.UnknownCharacters("ab🙂a🙂"));
    }

    [Theory]
    [InlineData(true, new[] { 2, 3, 0, 3 })]
    [InlineData(false, new[] { 2, 3, 3, 0, 3 })]
    public void Unknown_characters_share_a_token_where_the_file_says_so(bool fuse, int[] ids)
    {
        string model = Model.Replace("\"BPE\"", $"\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":{(fuse ? "true" : "false")}", StringComparison.Ordinal);

        Assert.Equal(ids, Load($$"""{"model":{{model}}}""").Encode("abxyaz"));
    }

    [Fact]
    public void Byte_fallback_expresses_every_text_and_half_characters_decode_to_the_replacement_character()
    {
        string bytes = string.Join(',', Enumerable.Range(0, 256).Select(value => $"\"<0x{value:X2}>\":{value + 3}"));
        ITextTokenizer tokenizer = Load($$$$"""
            {"decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"}]},
             "model":{"type":"BPE","byte_fallback":true,"unk_token":"<unk>","vocab":{"<unk>":0,"a":1,"aa":2,{{{{bytes}}}}},"merges":["a a"]}}
            """);

        Assert.Null(tokenizer.UnknownId);
        Assert.Equal([2, 0xC3 + 3, 0xA9 + 3, 1], tokenizer.Encode("aaéa"));
        Assert.Equal("\uFFFDa\uFFFD", tokenizer.Decode([0xC3 + 3, 1, 0xE2 + 3, 0x82 + 3]));
        CsCheck.Check.Sample(UnicodeText.Generator, text => Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text))));
    }

    [Fact]
    public void A_word_that_is_a_token_is_taken_whole_where_merges_are_ignored()
    {
        const string Json = """{"added_tokens":[{"id":4,"content":"bb","special":true}],"model":{"ignore_merges":IGNORE,"vocab":{"a":0,"b":1,"ab":2,"ba":3,"bb":4},"merges":["a b"]}}""";

        Assert.Equal([3], Load(Json.Replace("IGNORE", "true", StringComparison.Ordinal)).Encode("ba"));
        Assert.Equal([1, 0], Load(Json.Replace("IGNORE", "false", StringComparison.Ordinal)).Encode("ba"));
        Assert.Equal([1, 1], Load(Json.Replace("IGNORE", "true", StringComparison.Ordinal)).Encode("bb"));
    }

    [Fact]
    public void Added_tokens_that_are_not_special_are_found_in_text_and_special_ones_are_not()
    {
        ITextTokenizer tokenizer = Load("""
            {"added_tokens":[{"id":3,"content":"aa","special":false,"normalized":false},{"id":4,"content":"aaa","special":false},{"id":5,"content":"ba","special":true}],
             "model":{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}
            """);

        Assert.Equal([4, 3, 1, 0], tokenizer.Encode("aaaaaba"));
        Assert.Equal("aaaaab", tokenizer.Decode([4, 3, 5, 1]));
    }

    [Theory]
    [InlineData("tokenizer_config.json", """{"bos_token":"a","eos_token":{"content":"b"}}""")]
    [InlineData("special_tokens_map.json", """{"bos_token":{"content":"a"},"eos_token":"b"}""")]
    [InlineData("config.json", """{"bos_token_id":0,"eos_token_id":[1,2]}""")]
    public void Special_ids_are_read_from_the_files_beside(string name, string content)
    {
        _folder.Write(name, content);
        ITextTokenizer tokenizer = Load($$"""{"model":{{Model}}}""");

        Assert.Equal((0, 1), (tokenizer.BeginOfTextId, tokenizer.EndOfTextId));
    }

    [Fact]
    public void Special_ids_are_read_from_the_template_where_no_file_names_them()
    {
        ITextTokenizer tokenizer = Load($$$"""
            {"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"b","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"a","type_id":0}}]},"model":{{{Model}}}}
            """);

        Assert.Equal((1, 0), (tokenizer.BeginOfTextId, tokenizer.EndOfTextId));
    }

    [Fact]
    public void Metaspace_puts_one_space_before_a_text_and_takes_it_off_again()
    {
        ITextTokenizer tokenizer = Load("""
            {"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
             "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"},
             "model":{"vocab":{"▁":0,"a":1,"▁a":2,"a▁":3},"merges":["▁ a","a ▁"]}}
            """);

        Assert.Equal([2, 2], tokenizer.Encode("a a"));
        Assert.Equal([2, 2], tokenizer.Encode(" a a"));
        Assert.Equal([1, 2], tokenizer.Encode("a a", continuation: true));
        Assert.Equal("a a", tokenizer.Decode([2, 2]));
        Assert.Equal(" a a", tokenizer.Decode([2, 2], continuation: true));
    }

    [Theory]
    [InlineData("Isolated", false, "1,-,-,2")]
    [InlineData("Removed", false, "1,2")]
    [InlineData("MergedWithPrevious", false, "1-,-,2")]
    [InlineData("MergedWithNext", false, "1,-,-2")]
    [InlineData("Contiguous", false, "1,--,2")]
    [InlineData("Removed", true, "-,-")]
    public void Split_treats_matches_as_its_behavior_says(string behavior, bool invert, string pieces)
    {
        // Documentation of Hugging Face's tokenizers, SplitDelimiterBehavior.
        using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse(
            $$"""{"type":"Split","pattern":{"String":"-"},"behavior":"{{behavior}}","invert":{{(invert ? "true" : "false")}}}""");
        ITextSplitter splitter = TokenizerComponents.Splitter(new JsonField(json.RootElement, "FILE", "pre_tokenizer"))!;

        Assert.Equal(pieces, string.Join(',', splitter.Split("1--2", PiecePosition.First)));
    }

    [Fact]
    public void Letters_beyond_the_basic_plane_are_letters()
    {
        ByteLevelSplitter splitter = new(addPrefixSpace: false, splitWords: true);

        Assert.Equal(
            new[] { "𝒳y", "🙂", "𝟙" }.Select(ByteLevelAlphabet.Transform),
            splitter.Split("𝒳y🙂𝟙", PiecePosition.First));
    }

    [Fact]
    public void An_id_without_a_token_decodes_to_the_replacement_character() =>
        Assert.Equal("ab\uFFFD", Load($$"""{"model":{{Model}}}""").Decode([2, 99]));
}
