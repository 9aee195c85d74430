using System.Text;

namespace Pique.Tests.Formats.Hostile;

/// <summary>Lays a GGUF file out byte by byte, whether it makes sense or not.</summary>
/// <remarks>Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md</remarks>
internal sealed class GgufBytes
{
    private readonly List<byte[]> _pairs = [];
    private readonly List<byte[]> _tensors = [];

    public byte[] Magic { get; init; } = [.. "GGUF"u8];

    public uint Version { get; init; } = 3;

    /// <summary>What the header says of the number of tensors; null for the truth.</summary>
    public ulong? ClaimedTensors { get; init; }

    /// <summary>What the header says of the number of keys; null for the truth.</summary>
    public ulong? ClaimedPairs { get; init; }

    public int Alignment { get; init; } = 32;

    /// <summary>Bytes after the padded header.</summary>
    public byte[] Content { get; init; } = [];

    public static byte[] Text(string text) => Text(Encoding.UTF8.GetBytes(text));

    public static byte[] Text(byte[] bytes) => [.. BitConverter.GetBytes((ulong)bytes.Length), .. bytes];

    public static byte[] U32(uint number) => BitConverter.GetBytes(number);

    public static byte[] U64(ulong number) => BitConverter.GetBytes(number);

    public GgufBytes Pair(string key, uint type, params byte[][] value) => Pair(Text(key), type, value);

    public GgufBytes Pair(byte[] key, uint type, params byte[][] value)
    {
        _pairs.Add([.. key, .. U32(type), .. value.SelectMany(part => part)]);
        return this;
    }

    /// <summary>Describes a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="sizes">Sizes of the dimensions, innermost first as the file has them.</param>
    /// <param name="type">Number of the ggml type.</param>
    /// <param name="offset">Where it begins in the data.</param>
    public GgufBytes Tensor(string name, ulong[] sizes, uint type, ulong offset) => Tensor(Text(name), (uint)sizes.Length, sizes, type, offset);

    public GgufBytes Tensor(byte[] name, uint claimedDimensions, ulong[] sizes, uint type, ulong offset)
    {
        _tensors.Add([.. name, .. U32(claimedDimensions), .. sizes.SelectMany(U64), .. U32(type), .. U64(offset)]);
        return this;
    }

    public byte[] ToArray()
    {
        byte[] header =
        [
            .. Magic,
            .. U32(Version),
            .. U64(ClaimedTensors ?? (ulong)_tensors.Count),
            .. U64(ClaimedPairs ?? (ulong)_pairs.Count),
            .. _pairs.SelectMany(pair => pair),
            .. _tensors.SelectMany(tensor => tensor),
        ];
        return [.. header, .. new byte[(Alignment - (header.Length % Alignment)) % Alignment], .. Content];
    }
}
