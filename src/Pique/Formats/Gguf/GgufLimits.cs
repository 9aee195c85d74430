namespace Pique.Formats.Gguf;

/// <summary>What a GGUF file may ask for: limits of the format, and of what is read from a header that nobody vouches for.</summary>
internal static class GgufLimits
{
    /// <summary>"GGUF".</summary>
    public static ReadOnlySpan<byte> Magic => "GGUF"u8;

    public const uint OldestVersion = 2;
    public const uint NewestVersion = 3;
    public const string AlignmentKey = "general.alignment";
    public const int DefaultAlignment = 32;
    public const int LargestAlignment = 1 << 20;
    public const int MaxDimensions = 4;

    /// <summary>Longest key of the format.</summary>
    public const int MaxKeyBytes = 65_535;

    /// <summary>Longest tensor name of the format.</summary>
    public const int MaxTensorNameBytes = 64;

    /// <summary>Longest tensor name that ggml reads: it keeps a terminator in the same 64 bytes.</summary>
    public const int MaxWrittenNameBytes = 63;

    /// <summary>Arrays in arrays in arrays: far more than any file in use has.</summary>
    public const int MaxArrayDepth = 4;

    public const int MaxKeys = 65_536;
    public const int MaxTensors = 262_144;

    /// <summary>Least bytes of a pair: length of the key, one character, type, value.</summary>
    public const int LeastPairBytes = 8 + 1 + 4 + 1;

    /// <summary>Least bytes of a tensor's description: length of the name, one character, one dimension, type, offset.</summary>
    public const int LeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

    /// <summary>What is wrong with a key; null where nothing is.</summary>
    public static string? FaultOfKey(string key) =>
        key.Length is 0 or > MaxKeyBytes ? $"has {key.Length} characters, expected 1 to {MaxKeyBytes}"
        : key.Any(letter => letter is < ' ' or > '~') ? "has characters other than printable ASCII"
        : null;

    /// <summary>The next multiple of an alignment.</summary>
    public static long Align(long position, int alignment) => checked(position + alignment - 1) & -(long)alignment;
}
