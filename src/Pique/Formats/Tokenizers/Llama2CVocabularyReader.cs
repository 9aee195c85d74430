using System.Buffers.Binary;
using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>
/// Reads the vocabulary file of llama2.c, <c>tokenizer.bin</c> or <c>tok512.bin</c>: the longest piece's length (int32), then for
/// each piece its score (float32), its length in bytes (int32) and its UTF-8 text, with spaces for U+2581. All little-endian.
/// </summary>
internal static class Llama2CVocabularyReader
{
    private const int FirstByteId = 3;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the file.</summary>
    /// <exception cref="InputException">The file is missing or malformed.</exception>
    public static SentencePieceModel Read(string path)
    {
        ReadOnlySpan<byte> content = TokenizerFile.Read(path, TokenizerFile.MaximumBytes);
        if (content.Length < sizeof(int))
            throw Malformed(path, $"{content.Length} bytes");
        int longest = BinaryPrimitives.ReadInt32LittleEndian(content);
        List<(string Text, float Score, PieceType Type)> pieces = [];
        for (int offset = sizeof(int); offset < content.Length;)
        {
            if (content.Length - offset < 2 * sizeof(int))
                throw Malformed(path, $"the file ends within piece {pieces.Count}");
            float score = BinaryPrimitives.ReadSingleLittleEndian(content[offset..]);
            int length = BinaryPrimitives.ReadInt32LittleEndian(content[(offset + sizeof(int))..]);
            offset += 2 * sizeof(int);
            if (length <= 0 || length > content.Length - offset || !float.IsFinite(score))
                throw Malformed(path, $"piece {pieces.Count} has {length} bytes where {content.Length - offset} are left, and score {score}");
            pieces.Add(Piece(ReadText(content.Slice(offset, length), path, pieces.Count), score, pieces.Count));
            offset += length;
        }
        // The length in front is that of the longest piece before "\n" was put around the two special tokens.
        if (pieces.Count < FirstByteId + 256 || pieces[FirstByteId].Type != PieceType.Byte)
            throw Malformed(path, $"{pieces.Count} pieces of up to {longest} bytes, and no byte pieces from id {FirstByteId} on");
        return new SentencePieceModel(path, pieces) { ByteFallback = true, RemoveExtraSpaces = false };
    }

    private static (string Text, float Score, PieceType Type) Piece(string text, float score, int id) => id switch
    {
        0 => (text, score, PieceType.Unknown),
        1 or 2 => (text.Trim('\n'), score, PieceType.Control),
        < FirstByteId + 256 when TokenDecoder.ByteOf(text) == id - FirstByteId => (text, score, PieceType.Byte),
        _ => (text.Replace(' ', '▁'), score, PieceType.Normal),
    };

    private static string ReadText(ReadOnlySpan<byte> bytes, string path, int id)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InputException($"{path}: no llama2.c vocabulary: piece {id} is no UTF-8 text; fetch the file again.", exception);
        }
    }

    private static InputException Malformed(string path, string found) =>
        new($"{path}: no llama2.c vocabulary: {found}; expected a length and then score, length and text of every piece. " +
            "Fetch the file again, or put the tokenizer.model it was made from beside the model.");
}
