using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Gguf.Tokenizers;

/// <summary>Writes vocabulary files of every kind from two small vocabularies: one over text whose merges cross words, one over the byte alphabet whose merges cross wherever some pre-tokenizer cuts.</summary>
internal static class SmallVocabulary
{
    private const string Characters = "▁abcdefghijklmnopqrstuvwxyzTHS<>|_/.,'!?\"-0123456789\né";

    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>First merged first.</summary>
    public static IReadOnlyList<(string Left, string Right)> Merges { get; } =
    [
        ("e", "▁"), ("d", "▁"), ("t", "h"), (".", "▁"), ("▁", "a"), ("th", "e▁"), ("a", "n"), ("an", "d▁"), ("i", "n"), ("in", "g"), ("▁", "▁"), ("▁▁", "▁▁"),
        ("e", "r"), ("a", "a"), ("aa", "aa"), ("\n", "\n"), (".▁", "the▁"), ("o", "u"), ("1", "2"), ("▁", "t"),
    ];

    /// <summary>Merges over the byte alphabet, first merged first.</summary>
    public static IReadOnlyList<(string Left, string Right)> ByteMerges { get; } =
    [
        ("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n"), ("in", "g"), ("Ġ", "a"), ("a", "n"), ("1", "2"), ("12", "3"), ("Ġ", "1"), ("a", "1"), ("1", "a"), ("Ċ", "Ċ"), ("Ġ", "Ġ"),
        ("ĠĠ", "ĠĠ"), ("Ġ", "Ċ"), ("Ċ", "Ġ"), (".", "Ċ"), ("/", "Ċ"), (".", "."), ("'", "s"), ("'", "S"), ("'", "t"), ("s", "'"), ("Ġ", "'"), ("(", "a"), ("$", "a"), ("a", "."),
        (".", "a"), ("A", "b"), ("b", "A"), ("A", "A"), ("e", "Ì"), ("Ì", "ģ"), ("ģ", "a"), ("Ã", "©"), ("a", "Ã"), ("©", "a"), ("Ġ", "Ã"), ("ä", "¸"), ("Ń", "a"), ("a", "ä"),
        ("ĉ", "ĉ"), ("č", "Ċ"), ("Ġ", "("), ("+", "+"), ("=", "1"), ("Â", "ł"), ("ł", "a"), ("H", "e"), ("He", "l"), ("l", "o"), ("Hel", "lo"), ("Ð", "´"), ("Ġ", "Ð"),
        ("a", "A"), ("ĊĊ", "/"), ("n", "'"), ("A", "bA"),
    ];

    /// <summary>Folder with the tokenizer.json and tokenizer_config.json of models/pique-tiny.</summary>
    public static string PiqueTiny { get; } = Path.Combine(AppContext.BaseDirectory, "models", "pique-tiny");

    /// <summary>Writes the small vocabulary as a llama2.c file.</summary>
    public static string WriteLlama2C(string path)
    {
        using (BinaryWriter writer = new(File.Create(path)))
        {
            writer.Write(7);
            foreach ((string text, float score, PieceType type) in Pieces())
            {
                string stored = type == PieceType.Control ? $"\n{text}\n" : type == PieceType.Normal ? text.Replace('▁', ' ') : text;
                byte[] utf8 = Encoding.UTF8.GetBytes(stored);
                writer.Write(score);
                writer.Write(utf8.Length);
                writer.Write(utf8);
            }
        }
        return path;
    }

    /// <summary>Writes the small vocabulary as a SentencePiece model; fields as in sentencepiece_model.proto.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="removeExtraSpaces">Whether runs of spaces become one.</param>
    /// <param name="extra">Pieces that follow.</param>
    public static string WriteSentencePiece(string path, bool removeExtraSpaces, params IEnumerable<(string Text, float Score, PieceType Type)> extra)
    {
        List<byte> content = [];
        foreach ((string text, float score, PieceType type) in Pieces().Concat(extra))
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            byte[] number = new byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(number, score);
            byte[] piece = [0x0A, (byte)utf8.Length, .. utf8, 0x15, .. number, 0x18, (byte)type];
            content.AddRange([0x0A, (byte)piece.Length, .. piece]);
        }
        byte[] trainer = [0x18, 2, 0x98, 0x02, 1];
        byte[] normalizer = [0x20, removeExtraSpaces ? (byte)1 : (byte)0];
        File.WriteAllBytes(path, [.. content, 0x12, (byte)trainer.Length, .. trainer, 0x1A, (byte)normalizer.Length, .. normalizer]);
        return path;
    }

    /// <summary>Writes the small vocabulary as a tokenizer.json with merges, tokenizer_config.json beside it.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="edit">Changes the file first.</param>
    public static string WriteScored(string path, Action<JsonObject>? edit = null)
    {
        (string Text, float, PieceType Type)[] pieces = [.. Pieces()];
        JsonObject vocabulary = new(pieces.Select((piece, id) => KeyValuePair.Create(piece.Text, (JsonNode?)id)));
        JsonObject root = JsonNode.Parse("""
            {
              "added_tokens": [{"id":0,"content":"<unk>","special":true},{"id":1,"content":"<s>","special":true},{"id":2,"content":"</s>","special":true}],
              "normalizer": {"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
              "pre_tokenizer": null,
              "post_processor": {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]},
              "decoder": {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
              "model": {"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true}
            }
            """)!.AsObject();
        root["model"]!["vocab"] = vocabulary;
        root["model"]!["merges"] = new JsonArray([.. Merges.Select(merge => new JsonArray(merge.Left, merge.Right))]);
        edit?.Invoke(root);
        File.WriteAllText(path, root.ToJsonString(Json));
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(path)!, "tokenizer_config.json"), """{"bos_token":"<s>","eos_token":"</s>"}""");
        return path;
    }

    /// <summary>Writes the small vocabulary over the byte alphabet as a tokenizer.json, tokenizer_config.json beside it.</summary>
    /// <param name="folder">Folder to write to.</param>
    /// <param name="preTokenizer">The pre-tokenizer as JSON.</param>
    /// <param name="edit">Changes the file first.</param>
    /// <returns>The tokenizer.json.</returns>
    public static string WriteByteLevel(string folder, string preTokenizer, Action<JsonObject>? edit = null)
    {
        string[] tokens = ["<|bos|>", "<|eos|>", "<|pad|>", .. ByteLevelAlphabet.Characters.Select(character => character.ToString()), .. ByteMerges.Select(merge => merge.Left + merge.Right)];
        JsonObject root = JsonNode.Parse("""
            {
              "added_tokens": [{"id":0,"content":"<|bos|>","special":true},{"id":1,"content":"<|eos|>","special":true},{"id":2,"content":"<|pad|>","special":true}],
              "normalizer": null,
              "decoder": {"type":"ByteLevel"},
              "model": {"type":"BPE","ignore_merges":false}
            }
            """)!.AsObject();
        root["pre_tokenizer"] = JsonNode.Parse(preTokenizer);
        root["model"]!["vocab"] = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id)));
        root["model"]!["merges"] = new JsonArray([.. ByteMerges.Select(merge => (JsonNode)$"{merge.Left} {merge.Right}")]);
        edit?.Invoke(root);
        string path = Path.Combine(folder, "tokenizer.json");
        File.WriteAllText(path, root.ToJsonString(Json));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"bos_token":"<|bos|>","eos_token":"<|eos|>","pad_token":"<|pad|>"}""");
        return path;
    }

    /// <summary>Number of tokens of the vocabulary over the byte alphabet.</summary>
    public static int ByteLevelSize => 3 + 256 + ByteMerges.Count;

    /// <summary>The pre-tokenizer of SmolLM and models/pique-tiny.</summary>
    public const string DigitsThenBytes = """
        {"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]}
        """;

    /// <summary>A pre-tokenizer that cuts by a pattern ahead of the byte alphabet.</summary>
    public static string SplitThenBytes(string pattern) => $$"""
        {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":{{JsonSerializer.Serialize(pattern, Json)}} },"behavior":"Isolated","invert":false},
         {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
        """;

    /// <summary>Unknown, two control pieces, 256 bytes, the characters, then what each merge makes, the earlier the higher its score.</summary>
    private static IEnumerable<(string Text, float Score, PieceType Type)> Pieces() =>
    [
        ("<unk>", 0, PieceType.Unknown), ("<s>", 0, PieceType.Control), ("</s>", 0, PieceType.Control),
        .. Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", 0f, PieceType.Byte)),
        .. Characters.Select(character => (character.ToString(), -1000f, PieceType.Normal)),
        .. Merges.Select((merge, rank) => (merge.Left + merge.Right, -(float)rank, PieceType.Normal)),
    ];
}
