using System.Security.Cryptography;

namespace Pique.Formats;

/// <summary>SHA-256 as files hold it: hexadecimal digits, lower case.</summary>
internal static class FileDigest
{
    /// <summary>Characters of a digest.</summary>
    public const int Digits = 2 * SHA256.HashSizeInBytes;

    /// <summary>What stands where a digest is not known yet.</summary>
    public static string Unknown { get; } = new('0', Digits);

    /// <summary>Whether a text has the form of a digest.</summary>
    public static bool IsDigest(string text) => text.Length == Digits && text.All(char.IsAsciiHexDigitLower);
}
