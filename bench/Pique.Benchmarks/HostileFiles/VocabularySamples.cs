using System.Text;

namespace Pique.Benchmarks.HostileFiles;

/// <summary>Valid vocabularies of the binary formats.</summary>
internal static class VocabularySamples
{
    private static readonly string[] Words = ["▁", "a", "b", "c", "ab", "abc", "▁a", "t", "h", "e", "th", "the"];

    /// <summary>A SentencePiece model: field numbers are those of sentencepiece_model.proto.</summary>
    /// <param name="path">File to write.</param>
    /// <returns>The path.</returns>
    public static string SentencePiece(string path)
    {
        List<byte> file = [];
        foreach ((string text, int type) in Pieces())
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            byte[] piece = [0x0A, (byte)utf8.Length, .. utf8, 0x15, .. BitConverter.GetBytes(-text.Length * 0.5f), 0x18, (byte)type];
            file.AddRange([0x0A, (byte)piece.Length, .. piece]);
        }

        byte[] trainer = [0x18, 2, 0x98, 0x02, 1]; // model_type BPE, byte_fallback true
        byte[] normalizer = [0x18, 1, 0x20, 0, 0x28, 1]; // dummy prefix, extra spaces kept, spaces made visible
        File.WriteAllBytes(path, [.. file, 0x12, (byte)trainer.Length, .. trainer, 0x1A, (byte)normalizer.Length, .. normalizer]);
        return path;
    }

    /// <summary>A llama2.c vocabulary.</summary>
    /// <param name="path">File to write.</param>
    /// <returns>The path.</returns>
    public static string Llama2C(string path)
    {
        using FileStream stream = File.Create(path);
        using BinaryWriter writer = new(stream);
        writer.Write(8);
        foreach ((string text, int _) in Pieces())
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text.Replace('▁', ' '));
            writer.Write(-text.Length * 0.5f);
            writer.Write(utf8.Length);
            writer.Write(utf8);
        }

        return path;
    }

    /// <summary>Unknown, control, byte and normal pieces with their types.</summary>
    private static IEnumerable<(string Text, int Type)> Pieces() =>
    [
        ("<unk>", 2), ("<s>", 3), ("</s>", 3),
        .. Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", 6)),
        .. Words.Select(word => (word, 1)),
    ];
}
