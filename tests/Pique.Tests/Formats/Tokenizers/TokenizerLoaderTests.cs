using System.Buffers.Binary;
using System.Text;
using Pique.Formats;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Tokenizers;

public sealed class TokenizerLoaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static byte[] Llama2C(params IEnumerable<(string Text, float Score)> extra)
    {
        using MemoryStream content = new();
        using BinaryWriter writer = new(content);
        writer.Write(27);
        IEnumerable<(string, float)> bytes = Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", 0f));
        foreach ((string text, float score) in (IEnumerable<(string, float)>)[("<unk>", 0), ("\n<s>\n", 0), ("\n</s>\n", 0), .. bytes, .. extra])
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            writer.Write(score);
            writer.Write(utf8.Length);
            writer.Write(utf8);
        }
        return content.ToArray();
    }

    /// <summary>A SentencePiece file: unknown, two control pieces, then ordinary ones; fields as in sentencepiece_model.proto.</summary>
    private static byte[] SentencePiece(byte[] trainer, byte[] normalizer, params IEnumerable<(string Text, float Score, PieceType Type)> extra)
    {
        List<byte> content = [];
        foreach ((string text, float score, PieceType type) in (IEnumerable<(string, float, PieceType)>)
            [("<unk>", 0f, PieceType.Unknown), ("<s>", 0f, PieceType.Control), ("</s>", 0f, PieceType.Control), .. extra])
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            byte[] number = new byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(number, score);
            byte[] piece = [0x0A, (byte)utf8.Length, .. utf8, 0x15, .. number, 0x18, (byte)type];
            content.AddRange([0x0A, (byte)piece.Length, .. piece]);
        }
        return [.. content, 0x12, (byte)trainer.Length, .. trainer, 0x1A, (byte)normalizer.Length, .. normalizer];
    }

    private static readonly byte[] BytePairs = [0x18, 2];

    private ITextTokenizer Load(string name, byte[] content)
    {
        File.WriteAllBytes(_folder.File(name), content);
        return TokenizerLoader.Load(_folder.File(name)).Tokenizer;
    }

    private string ErrorOf(string name, byte[] content) =>
        Assert.Throws<InputException>(() => Load(name, content)).Message.Replace(_folder.File(name), "FILE", StringComparison.Ordinal);

    [Fact]
    public void A_folder_gives_tokenizer_json_before_models_before_bins()
    {
        File.WriteAllBytes(_folder.File("tok2.bin"), Llama2C());
        Assert.Equal([_folder.File("tok2.bin")], TokenizerLoader.Load(_folder.Path).SourceFiles);
        File.WriteAllBytes(_folder.File("tok2.model"), SentencePiece(BytePairs, [], ("a", -1, PieceType.Normal)));
        Assert.Equal([_folder.File("tok2.model")], TokenizerLoader.Load(_folder.Path).SourceFiles);
        File.WriteAllBytes(_folder.File("tokenizer.model"), SentencePiece(BytePairs, [], ("a", -1, PieceType.Normal)));
        Assert.Equal([_folder.File("tokenizer.model")], TokenizerLoader.Load(_folder.Path).SourceFiles);
        _folder.Write("tokenizer.json", """{"model":{"vocab":{"a":0},"merges":[]}}""");
        _folder.Write("tokenizer_config.json", "{}");
        Assert.Equal([_folder.File("tokenizer.json"), _folder.File("tokenizer_config.json")], TokenizerLoader.Load(_folder.Path).SourceFiles);
        _folder.Write("chat_template.jinja", "{{ x }}");
        Assert.Equal([_folder.File("tokenizer.json"), _folder.File("tokenizer_config.json"), _folder.File("chat_template.jinja")], TokenizerLoader.Load(_folder.Path).SourceFiles);
    }

    [Fact]
    public void An_empty_folder_a_missing_file_and_a_strange_file_are_refused()
    {
        Assert.Equal(
            $"{_folder.Path}: no tokenizer; expected tokenizer.json, tokenizer.model, tok*.model, tok*.bin, tokenizer.gguf. Copy it from the checkpoint's source.",
            Assert.Throws<InputException>(() => TokenizerLoader.Load(_folder.Path)).Message);
        Assert.Equal(
            $"{_folder.File("x.json")}: no such file; check the path.",
            Assert.Throws<InputException>(() => TokenizerLoader.Load(_folder.File("x.json"))).Message);
        Assert.Equal(
            "a.txt: \".txt\" is no vocabulary format; supported: tokenizer.json, tokenizer.model (SentencePiece), tok*.bin (llama2.c), .gguf.",
            Assert.Throws<InputException>(() => TokenizerLoader.Load("a.txt")).Message);
    }

    [Fact]
    public void A_llama2c_vocabulary_encodes_by_score_with_bytes_for_the_rest()
    {
        ITextTokenizer tokenizer = Load("tok.bin", Llama2C((" a", -1), ("aa", -2), (" ", -3), ("a", -4)));

        Assert.Equal((1, 2, null, 263), (tokenizer.BeginOfTextId, tokenizer.EndOfTextId, tokenizer.UnknownId, tokenizer.VocabularySize));
        Assert.Equal([259, 260, 3 + 'b'], tokenizer.Encode("aaab"));
        Assert.Equal([260, 262], tokenizer.Encode("aaa", continuation: true));
        Assert.Equal([261, 261, 259], tokenizer.Encode("  a"));
        Assert.Equal("  a", tokenizer.Decode([1, 261, 261, 259, 2]));
    }

    [Fact]
    public void Every_truncation_of_a_llama2c_vocabulary_is_refused_or_a_shorter_vocabulary()
    {
        byte[] whole = Llama2C(("a", -1));
        for (int length = 0; length < whole.Length - 9; length++)
            Assert.StartsWith("FILE: no llama2.c vocabulary: ", ErrorOf("tok.bin", whole[..length]), StringComparison.Ordinal);
    }

    [Fact]
    public void Lying_lengths_and_scores_of_a_llama2c_vocabulary_are_refused()
    {
        byte[] longPiece = Llama2C();
        BinaryPrimitives.WriteInt32LittleEndian(longPiece.AsSpan(8), int.MaxValue);
        byte[] noScore = Llama2C();
        BinaryPrimitives.WriteSingleLittleEndian(noScore.AsSpan(4), float.NaN);

        Assert.Contains("piece 0 has 2147483647 bytes where", ErrorOf("tok.bin", longPiece), StringComparison.Ordinal);
        Assert.Contains("score NaN", ErrorOf("tok.bin", noScore), StringComparison.Ordinal);
    }

    [Fact]
    public void A_SentencePiece_model_encodes_by_score_and_drops_extra_spaces_by_default()
    {
        ITextTokenizer tokenizer = Load("tokenizer.model", SentencePiece(BytePairs, [], ("▁a", -1, PieceType.Normal), ("▁", -2, PieceType.Normal), ("a", -3, PieceType.Normal), ("<b>", 0, PieceType.UserDefined)));

        Assert.Equal((1, 2, 0, 7), (tokenizer.BeginOfTextId, tokenizer.EndOfTextId, tokenizer.UnknownId, tokenizer.VocabularySize));
        Assert.Equal([3, 5, 3], tokenizer.Encode("  aa   a "));
        Assert.Equal([3, 0, 3], tokenizer.Encode("axy a"));
        Assert.Equal([3, 6, 5], tokenizer.Encode("a<b>a"));
        Assert.Equal([3], tokenizer.Encode(" a", continuation: true));
        Assert.Equal([3], tokenizer.Encode("a"));
        Assert.Empty(tokenizer.Encode(""));
        Assert.Equal("a ⁇ <b>", tokenizer.Decode([1, 3, 0, 6]));
    }

    [Fact]
    public void Typed_control_pieces_stay_text()
    {
        ITextTokenizer tokenizer = Load("tokenizer.model", SentencePiece(
            BytePairs, [0x18, 0], ("<", -1, PieceType.Normal), ("s", -2, PieceType.Normal), (">", -3, PieceType.Normal), ("<s", -4, PieceType.Normal)));

        Assert.Equal([6, 5], tokenizer.Encode("<s>"));
    }

    [Fact]
    public void SentencePiece_kinds_that_are_not_supported_are_named()
    {
        Assert.Equal("FILE: trainer_spec.model_type UNIGRAM is not supported; supported: BPE.", ErrorOf("a.model", SentencePiece([0x18, 1], [])));
        Assert.Equal(
            "FILE: normalizer_spec \"nfkc\" rewrites characters by a table, which is not supported; supported: identity.",
            ErrorOf("a.model", SentencePiece(BytePairs, [0x0A, 4, .. "nfkc"u8, 0x12, 1, 7])));
        Assert.Equal(
            "FILE: piece 3 \"a\" is of type UNUSED, which is not supported; supported: NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE.",
            ErrorOf("a.model", SentencePiece(BytePairs, [], ("a", 0, PieceType.Unused))));
        Assert.Equal(
            "FILE: pieces 3 and 4 are both \"a\"; every piece needs its own text. Fetch the file again.",
            ErrorOf("a.model", SentencePiece(BytePairs, [], ("a", 0, PieceType.Normal), ("a", 0, PieceType.Normal))));
        Assert.Equal(
            "FILE: special id 99 is none of the 4 pieces; fetch the file again.",
            ErrorOf("a.model", SentencePiece([0x18, 2, 0xC8, 0x02, 99], [], ("a", 0, PieceType.Normal))));
    }

    [Fact]
    public void Damaged_SentencePiece_models_are_refused_or_read_but_never_crash()
    {
        byte[] whole = SentencePiece(BytePairs, [0x18, 0], ("▁a", -1, PieceType.Normal), ("a", -3, PieceType.Normal));
        int refused = 0;
        for (int position = 0; position < whole.Length; position++)
        {
            foreach (byte[] damaged in (byte[][])[whole[..position], [.. whole[..position], (byte)~whole[position], .. whole[(position + 1)..]]])
            {
                try
                {
                    Load("a.model", damaged).Encode("a");
                }
                catch (InputException)
                {
                    refused++;
                }
            }
        }
        Assert.InRange(refused, whole.Length, 2 * whole.Length);
    }
}
