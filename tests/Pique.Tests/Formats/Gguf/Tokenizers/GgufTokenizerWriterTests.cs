using System.Text.Json.Nodes;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Tokenizers;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Gguf.Tokenizers;

public sealed class GgufTokenizerWriterTests : IDisposable
{
    private static readonly int Size = SmallVocabulary.ByteLevelSize;

    private readonly TemporaryFolder _folder = new();

    private string Json => _folder.File("tokenizer.json");

    public void Dispose() => _folder.Dispose();

    private (GgufMetadata Metadata, string[] Warnings) Write(string path, int vocabularySize)
    {
        GgufMetadata metadata = new();
        IReadOnlyList<string> warnings = GgufTokenizerWriter.Add(metadata, TokenizerLoader.Load(path).SourceFiles, vocabularySize);
        return (metadata, [.. warnings.Select(Shorten)]);
    }

    private string Shorten(string message) => message.Replace(_folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);

    private string ErrorOf(string path, int vocabularySize = 1000) => Shorten(Assert.Throws<InputException>(() => Write(path, vocabularySize)).Message);

    [Fact]
    public void A_byte_level_tokenizer_keeps_its_tokens_and_merges()
    {
        (GgufMetadata metadata, string[] warnings) = Write(SmallVocabulary.WriteByteLevel(_folder.Path, SmallVocabulary.DigitsThenBytes), Size + 1);

        Assert.Empty(warnings);
        Assert.Equal(
            $"""
            tokenizer.ggml.model = gpt2
            tokenizer.ggml.pre = smollm
            tokenizer.ggml.tokens = {Size + 1} strings, "<|bos|>" the first
            tokenizer.ggml.token_type = {Size + 1} integers, 3 the first
            tokenizer.ggml.merges = {SmallVocabulary.ByteMerges.Count} strings, "Ġ t" the first
            tokenizer.ggml.bos_token_id = 0
            tokenizer.ggml.eos_token_id = 1
            tokenizer.ggml.padding_token_id = 2
            tokenizer.ggml.add_bos_token = False
            tokenizer.ggml.add_eos_token = False
            """, VocabularyFile.Describe(metadata));
        Assert.Equal([3, 3, 3, .. Enumerable.Repeat(1, Size - 3), 5], metadata.IntegersOrNull(GgufTokenizerKeys.TokenTypes));
    }

    [Fact]
    public void The_tokenizer_of_pique_tiny_is_cut_as_SmolLM_is_and_opens_a_text()
    {
        (GgufMetadata metadata, string[] warnings) = Write(SmallVocabulary.PiqueTiny, 768);

        Assert.Empty(warnings);
        Assert.Equal("smollm", metadata.Text(GgufTokenizerKeys.PreTokenizer));
        Assert.Equal((0, 1, 2), (metadata.Integer(GgufTokenizerKeys.BeginId), metadata.Integer(GgufTokenizerKeys.EndId), metadata.Integer("tokenizer.ggml.padding_token_id")));
        Assert.True(metadata.FlagOrNull(GgufTokenizerKeys.AddsBegin));
    }

    [Fact]
    public void A_SentencePiece_model_keeps_its_pieces_scores_and_types_and_gets_tokens_for_the_ids_it_lacks()
    {
        SmallVocabulary.WriteSentencePiece(_folder.File("tokenizer.model"), removeExtraSpaces: false, ("[PAD334]", -2000, PieceType.Normal));
        File.WriteAllText(_folder.File("tokenizer_config.json"), """{"add_bos_token":false,"added_tokens_decoder":{"336":{"content":"<|im_start|>","special":true}},"pad_token":"<|im_start|>"}""");
        (GgufMetadata metadata, string[] warnings) = Write(_folder.Path, 338);

        Assert.Empty(warnings);
        Assert.Equal(
            """
            tokenizer.ggml.model = llama
            tokenizer.ggml.pre = default
            tokenizer.ggml.tokens = 338 strings, "<unk>" the first
            tokenizer.ggml.scores = 338 floats, 0 the first
            tokenizer.ggml.token_type = 338 integers, 2 the first
            tokenizer.ggml.bos_token_id = 1
            tokenizer.ggml.eos_token_id = 2
            tokenizer.ggml.unknown_token_id = 0
            tokenizer.ggml.padding_token_id = 336
            tokenizer.ggml.add_bos_token = False
            tokenizer.ggml.add_eos_token = False
            tokenizer.ggml.add_space_prefix = True
            """, VocabularyFile.Describe(metadata));
        Assert.Equal(["▁t", "[PAD334]", "[[PAD334]]", "[PAD335]", "<|im_start|>", "[PAD337]"], metadata.TextsOrNull(GgufTokenizerKeys.Tokens)!.Skip(332));
        Assert.Equal([-19, -2000, -10000, -10000, -1000, -10000], metadata.FloatsOrNull(GgufTokenizerKeys.Scores)!.Skip(332));
        Assert.Equal([1, 1, 5, 5, 3, 5], metadata.IntegersOrNull(GgufTokenizerKeys.TokenTypes)!.Skip(332));
    }

    [Fact]
    public void Merges_become_scores_in_their_order()
    {
        (GgufMetadata metadata, string[] warnings) = Write(SmallVocabulary.WriteScored(Json), 333);

        Assert.Empty(warnings);
        IReadOnlyList<string> tokens = metadata.TextsOrNull(GgufTokenizerKeys.Tokens)!;
        Assert.Equal(
            SmallVocabulary.Merges.Select((merge, rank) => (merge.Left + merge.Right, -(float)rank)),
            tokens.Zip(metadata.FloatsOrNull(GgufTokenizerKeys.Scores)!).Skip(333 - SmallVocabulary.Merges.Count));
        Assert.Equal([2, 3, 3, .. Enumerable.Repeat(6, 256), .. Enumerable.Repeat(1, 333 - 259)], metadata.IntegersOrNull(GgufTokenizerKeys.TokenTypes));
        Assert.True(metadata.FlagOrNull(GgufTokenizerKeys.AddsBegin));
    }

    [Fact]
    public void Ways_of_SentencePiece_that_llama_cpp_lacks_are_warned_of()
    {
        string path = SmallVocabulary.WriteSentencePiece(
            _folder.File("tokenizer.model"), removeExtraSpaces: true, ("<s", -50, PieceType.Normal), ("<tool>", 0, PieceType.UserDefined), ("▁▁\n", 0, PieceType.UserDefined));
        (GgufMetadata metadata, string[] warnings) = Write(path, 336);

        Assert.Equal(
            [
                "tokenizer.model: removes leading, trailing and repeated spaces; llama.cpp keeps them, and gives a text that has them other tokens.",
                "tokenizer.model: llama.cpp puts a space before the text that follows a user-defined piece such as \"<tool>\"; this tokenizer does not.",
                "tokenizer.model: llama.cpp encodes 1 stretch of text otherwise than this tokenizer, \"<s>\".",
            ],
            warnings);
        Assert.True(metadata.FlagOrNull(GgufTokenizerKeys.RemovesExtraSpaces));
        Assert.Equal("  \n", metadata.TextsOrNull(GgufTokenizerKeys.Tokens)![335]);
    }

    [Fact]
    public void Ways_of_scored_merges_that_llama_cpp_lacks_are_warned_of()
    {
        string path = SmallVocabulary.WriteScored(Json, root =>
        {
            root["normalizer"] = null;
            root["pre_tokenizer"] = JsonNode.Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true}""");
            // "t" meets "h" first, so that the last merge never applies; by scores "th" and "e" would do as well.
            root["model"]!["vocab"]!["he"] = 333;
            root["model"]!["vocab"]!["the"] = 334;
            root["model"]!["merges"]!.AsArray().Add(new JsonArray("h", "e"));
            root["model"]!["merges"]!.AsArray().Add(new JsonArray("t", "he"));
            root["model"]!["byte_fallback"] = false;
            root["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":335,"content":"<tool>","special":false,"normalized":false}"""));
        });
        File.Delete(_folder.File("tokenizer_config.json"));
        (_, string[] warnings) = Write(path, 336);

        Assert.Equal(
            [
                "tokenizer.json: puts a space before a text that opens with none; llama.cpp puts one before every text.",
                "tokenizer.json: llama.cpp puts a space before the text that follows an added token such as \"<tool>\"; this tokenizer does not.",
                "tokenizer.json: cuts text before every space; llama.cpp merges across it into 8 tokens, such as \"e▁\", \"d▁\", \".▁\".",
                "tokenizer.json: llama.cpp writes a character that has no token as bytes; this tokenizer takes its unknown token.",
                "tokenizer.json: llama.cpp encodes 1 stretch of text otherwise than this tokenizer, \"the\".",
                "tokenizer.json: names no token that ends a text; llama.cpp takes token 2 for it and stops there. Name one as eos_token in tokenizer_config.json.",
            ],
            warnings);
    }

    [Fact]
    public void Characters_at_which_llama_cpp_stops_are_warned_of()
    {
        string path = SmallVocabulary.WriteScored(Json, root =>
        {
            root["model"]!["vocab"]!.AsObject().Remove("<0x07>");
            root["model"]!["vocab"]!["ÄÖ"] = 10;
        });
        (_, string[] warnings) = Write(path, 333);

        Assert.Equal(["tokenizer.json: has 255 of the 256 byte tokens, and llama.cpp ends the program at a character that has no token; keep prompts to the vocabulary's characters."], warnings);
    }

    [Theory]
    [InlineData("gpt-2", """{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}""")]
    [InlineData("gpt-2", """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},"behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}""")]
    [InlineData("smollm", """{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false}]}""")]
    [InlineData("smollm", """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{N}"},"behavior":"Isolated"},{"type":"ByteLevel","add_prefix_space":false}]}""")]
    [InlineData("dbrx", """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}""")]
    [InlineData("qwen2", """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false}]}""")]
    public void The_pre_tokenizer_is_found_by_what_it_does(string name, string preTokenizer)
    {
        SmallVocabulary.WriteByteLevel(_folder.Path, preTokenizer);
        (GgufMetadata metadata, string[] warnings) = Write(_folder.Path, Size);

        Assert.Empty(warnings);
        Assert.Equal(name, metadata.Text(GgufTokenizerKeys.PreTokenizer));
    }

    [Fact]
    public void Words_taken_whole_choose_the_name_under_which_llama_cpp_does_so()
    {
        SmallVocabulary.WriteByteLevel(_folder.Path, SmallVocabulary.SplitThenBytes(SplitPatterns.Llama3), root => root["model"]!["ignore_merges"] = true);
        (GgufMetadata metadata, string[] warnings) = Write(_folder.Path, Size);

        Assert.Empty(warnings);
        Assert.Equal("llama-bpe", metadata.Text(GgufTokenizerKeys.PreTokenizer));
    }

    [Fact]
    public void Ways_of_byte_level_tokenizers_that_llama_cpp_lacks_are_warned_of()
    {
        SmallVocabulary.WriteByteLevel(_folder.Path, """{"type":"ByteLevel","add_prefix_space":true}""", root =>
        {
            root["normalizer"] = JsonNode.Parse("""{"type":"NFC"}""");
            root["model"]!["ignore_merges"] = true;
            root["model"]!["vocab"]!.AsObject().Remove("Ā");
            root["model"]!["vocab"]!["xyzzy"] = 400;
            root["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":401,"content":"<|im_end|>","special":false,"normalized":false}"""));
            root["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":402,"content":"ab-","special":false,"normalized":false}"""));
            root["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":403,"content":"b-ab","special":false,"normalized":false}"""));
        });
        (GgufMetadata metadata, string[] warnings) = Write(_folder.Path, 404);

        Assert.Equal(
            [
                "tokenizer.json: composes characters before it encodes them (NFC); llama.cpp does not, and gives text with combining marks other tokens.",
                "tokenizer.json: its merges do not make 2 tokens, \"AbA\", \"xyzzy\"; this tokenizer takes a word that is one whole, llama.cpp does not.",
                "tokenizer.json: puts a space before a text that opens with none; llama.cpp does not, begin prompts with one.",
                "tokenizer.json: has no token for 1 of the 256 bytes; llama.cpp leaves such bytes out of a text.",
                "tokenizer.json: finds 1 added token in plain text, \"<|im_end|>\", that llama.cpp finds only where it looks for special tokens.",
                "tokenizer.json: where the added tokens \"ab-\" and \"b-ab\" overlap in a text, llama.cpp takes the longer, this tokenizer the first.",
            ],
            warnings);
        Assert.Equal([1, 3, 4, 4], metadata.IntegersOrNull(GgufTokenizerKeys.TokenTypes)!.Skip(400));
    }

    [Fact]
    public void Tekken_is_cut_otherwise_beyond_ASCII()
    {
        SmallVocabulary.WriteByteLevel(_folder.Path, SmallVocabulary.SplitThenBytes(SplitPatterns.Tekken), root => root["model"]!["ignore_merges"] = true);

        Assert.Equal(
            ["tokenizer.json: llama.cpp cuts text otherwise than this tokenizer: letters beyond ASCII count as both upper and lower case, and combining marks as no letters."],
            Write(_folder.Path, Size).Warnings);
    }

    [Theory]
    [InlineData("pre_tokenizer", """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""",
        "tokenizer.json: pre_tokenizer: a text left whole is nothing that llama.cpp does; export to safetensors instead")]
    [InlineData("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{L}+"},"behavior":"Isolated"},{"type":"ByteLevel"}]}""",
        "tokenizer.json: pre_tokenizer: a text cut by \\p{L}+ then 's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+ is nothing that llama.cpp does; export to safetensors instead")]
    [InlineData("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits","individual_digits":true}]}""",
        "tokenizer.json: pre_tokenizer: a step that cuts text otherwise than by patterns ahead of the byte alphabet is nothing that llama.cpp does; export to safetensors instead")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"String":" "},"behavior":"Isolated"}""",
        "tokenizer.json: pre_tokenizer: a text cut otherwise than before spaces is nothing that llama.cpp does; export to safetensors instead")]
    [InlineData("pre_tokenizer", null,
        "tokenizer.json: normalizer: a text whose spaces stay spaces is nothing that llama.cpp does; export to safetensors instead")]
    [InlineData("normalizer", """{"type":"Replace","pattern":{"String":"x"},"content":"y"}""",
        "tokenizer.json: normalizer: \"Replace\" is nothing that llama.cpp does; export to safetensors instead")]
    [InlineData("normalizer", """{"type":"Prepend","prepend":"▁"}""",
        "tokenizer.json: normalizer: a normalizer of spaces ahead of the byte alphabet is nothing that llama.cpp does; export to safetensors instead")]
    public void What_llama_cpp_has_no_form_for_is_refused(string field, string? json, string message)
    {
        SmallVocabulary.WriteByteLevel(_folder.Path, SmallVocabulary.DigitsThenBytes, root => root[field] = json is null ? null : JsonNode.Parse(json));

        Assert.Equal(message, ErrorOf(_folder.Path));
    }

    [Fact]
    public void Vocabularies_that_do_not_fit_are_refused()
    {
        Assert.Equal("tok.bin: has 333 token ids, the model 332; use the tokenizer the model was trained with", ErrorOf(SmallVocabulary.WriteLlama2C(_folder.File("tok.bin")), 332));

        string path = SmallVocabulary.WriteByteLevel(_folder.Path, SmallVocabulary.DigitsThenBytes, root => root["model"]!["merges"]!.AsArray()[0] = new JsonArray("a b", "c"));
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (string token in (string[])["a b", "a bc"])
            json["model"]!["vocab"]![token] = 400 + token.Length;
        File.WriteAllText(path, json.ToJsonString());
        Assert.Equal("tokenizer.json: model.merges[0]: \"a b\" + \"c\" holds a space, for which GGUF has no form; export to safetensors instead", ErrorOf(path));
    }

    [Fact]
    public void Tokens_with_a_null_character_are_refused_because_llama_cpp_cuts_them_there() => Assert.Equal(
        "tokenizer.model: token 333 holds U+0000, for which llama.cpp has no form; export to safetensors instead",
        ErrorOf(SmallVocabulary.WriteSentencePiece(_folder.File("tokenizer.model"), false, ("a\0", -99, PieceType.Normal))));

    [Theory]
    [InlineData("""{"chat_template":"{{ x }}"}""", "file", "tokenizer.chat_template = {{ x }}")]
    [InlineData("{}", "from a file", "tokenizer.chat_template = from a file")]
    [InlineData("""{"chat_template":[{"name":"tool use","template":"b"},{"name":"default","template":"a"},{"name":"rag","template":"c"}]}""", "file",
        "tokenizer.chat_template = a\ntokenizer.chat_template.rag = c\ntokenizer.chat_template.tool_use = b\ntokenizer.chat_templates = 2 strings, \"rag\" the first")]
    public void Chat_templates_come_from_the_configuration_or_a_file(string config, string file, string keys)
    {
        SmallVocabulary.WriteByteLevel(_folder.Path, SmallVocabulary.DigitsThenBytes);
        File.WriteAllText(_folder.File("tokenizer_config.json"), config);
        File.WriteAllText(_folder.File("chat_template.jinja"), file);
        (GgufMetadata metadata, _) = Write(_folder.Path, Size);

        Assert.Equal(keys, string.Join('\n', VocabularyFile.Describe(metadata).Split('\n').Where(line => line.StartsWith("tokenizer.chat", StringComparison.Ordinal))));
    }
}
