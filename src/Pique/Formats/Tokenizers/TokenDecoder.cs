using System.Globalization;
using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>Token ids back to text: joins the tokens' bytes and reads them as UTF-8.</summary>
/// <param name="bytesOfId">Bytes of each id; empty for special tokens, null where the id has no token.</param>
/// <param name="leadingSpaces">How many leading spaces are a dummy prefix and left out of a text that opens a sequence.</param>
/// <remarks>Bytes that are no UTF-8, such as half a character, become U+FFFD, and so does an id without a token.</remarks>
internal sealed class TokenDecoder(IReadOnlyList<byte[]?> bytesOfId, int leadingSpaces)
{
    private static readonly byte[] NoToken = [0xEF, 0xBF, 0xBD];

    /// <summary>Number of ids.</summary>
    public int VocabularySize => bytesOfId.Count;

    /// <summary>Decodes ids.</summary>
    /// <param name="tokenIds">Token ids.</param>
    /// <param name="continuation">True where earlier text precedes and a leading space is kept.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public string Decode(IReadOnlyList<int> tokenIds, bool continuation)
    {
        ArgumentNullException.ThrowIfNull(tokenIds);
        using MemoryStream bytes = new();
        foreach (int id in tokenIds)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(tokenIds));
            bytes.Write((id < bytesOfId.Count ? bytesOfId[id] : null) ?? NoToken);
        }
        ReadOnlySpan<byte> text = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
        if (!continuation)
        {
            for (int i = 0; i < leadingSpaces && !text.IsEmpty && text[0] == (byte)' '; i++)
                text = text[1..];
        }
        return Encoding.UTF8.GetString(text);
    }

    /// <summary>The byte of a byte token <c>&lt;0x00&gt;</c> … <c>&lt;0xFF&gt;</c>, or null for any other.</summary>
    public static byte? ByteOf(string token) =>
        token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
            ? value
            : null;

    /// <summary>For each byte the id of its token, or null where there is none.</summary>
    public static int?[] ByteIds(Func<string, int?> idOf) => [.. Enumerable.Range(0, 256).Select(value => idOf($"<0x{value:X2}>"))];
}
