using System.Text;

namespace Pique.Formats.Gguf;

/// <summary>UTF-8 that refuses what is no valid text instead of replacing it.</summary>
internal static class StrictUtf8
{
    private static readonly UTF8Encoding Encoding = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Text to bytes.</summary>
    /// <exception cref="EncoderFallbackException">The text has a lone surrogate.</exception>
    public static byte[] GetBytes(string text) => Encoding.GetBytes(text);

    /// <summary>Bytes to text.</summary>
    /// <exception cref="DecoderFallbackException">The bytes are no valid UTF-8.</exception>
    public static string GetString(ReadOnlySpan<byte> bytes) => Encoding.GetString(bytes);
}
