using System.Runtime.InteropServices;

namespace Pique.Formats.Gguf;

/// <summary>Everything of a GGUF file ahead of its data, proved consistent with itself.</summary>
/// <param name="Version">Version of the format.</param>
/// <param name="Alignment">Bytes that the data section and every tensor start at a multiple of.</param>
/// <param name="Metadata">Key-value pairs.</param>
/// <param name="Tensors">Tensors in the order of their bytes.</param>
/// <param name="ByteCount">Bytes ahead of the data section, padding included.</param>
internal sealed record GgufHeader(int Version, int Alignment, GgufMetadata Metadata, IReadOnlyList<GgufTensor> Tensors, long ByteCount)
{
    /// <summary>Reads and checks a header.</summary>
    /// <param name="path">File, for messages.</param>
    /// <param name="file">Its mapped content.</param>
    /// <param name="fileBytes">Its length.</param>
    /// <exception cref="InputException">Any fault, with file and key or tensor.</exception>
    /// <remarks>Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md</remarks>
    public static GgufHeader Read(string path, SafeBuffer file, long fileBytes)
    {
        GgufCursor cursor = new(path, file, fileBytes);
        Span<byte> magic = stackalloc byte[4];
        cursor.Fill(magic);
        if (!magic.SequenceEqual(GgufLimits.Magic))
            throw new InputException($"{path}: begins with the bytes {Convert.ToHexString(magic)}, a GGUF file with {Convert.ToHexString(GgufLimits.Magic)} (\"GGUF\"); the file is damaged or of another format");

        uint version = ReadVersion(cursor);
        int tensorCount = cursor.ReadCount(GgufLimits.LeastTensorBytes, "tensors");
        int pairCount = cursor.ReadCount(GgufLimits.LeastPairBytes, "keys");
        RequireAtMost(cursor, tensorCount, GgufLimits.MaxTensors, "tensors");
        RequireAtMost(cursor, pairCount, GgufLimits.MaxKeys, "keys");
        GgufMetadata metadata = GgufMetadataReader.Read(cursor, pairCount);
        int alignment = ReadAlignment(cursor, metadata);
        IReadOnlyList<GgufTensor> tensors = GgufTensorReader.Read(cursor, tensorCount, alignment);
        long headerBytes = GgufLimits.Align(cursor.Position, alignment);

        // A file without tensors may end with its last key.
        return new GgufHeader((int)version, alignment, metadata, tensors, tensorCount == 0 ? Math.Min(headerBytes, fileBytes) : headerBytes);
    }

    /// <summary>Refuses a file that ends before its tensors do, or has bytes that belong to nothing.</summary>
    /// <param name="path">File, for messages.</param>
    /// <param name="fileBytes">Its length.</param>
    /// <exception cref="InputException">The lengths differ.</exception>
    public void RequireWhole(string path, long fileBytes)
    {
        foreach (GgufTensor tensor in Tensors)
        {
            if (tensor.ByteCount > fileBytes - tensor.Offset)
                throw new InputException($"{path}: tensor \"{MessageText.Name(tensor.Name)}\": ends at byte {tensor.Offset + tensor.ByteCount}, the file has {fileBytes}; it was cut short, fetch it again");
        }

        long end = Tensors.Count == 0 ? ByteCount : Tensors[^1].Offset + Tensors[^1].ByteCount;
        long padding = -end & (Alignment - 1);
        if (fileBytes - end > padding)
            throw new InputException($"{path}: has {fileBytes} bytes, the last tensor ends at {end + padding} with its padding: {fileBytes - end - padding} bytes belong to nothing; fetch or export the file again");
    }

    private static uint ReadVersion(GgufCursor cursor)
    {
        uint version = cursor.Read<uint>();
        if (version is >= GgufLimits.OldestVersion and <= GgufLimits.NewestVersion)
            return version;
        throw (version & 0xFFFF) == 0 && version != 0
            ? new InputException($"{cursor.Path}: is a big-endian GGUF file, expected a little-endian one; fetch the little-endian file of the model")
            : new InputException($"{cursor.Path}: is of GGUF version {version}, Pique reads versions {GgufLimits.OldestVersion} and {GgufLimits.NewestVersion}; convert the file with a present llama.cpp");
    }

    private static void RequireAtMost(GgufCursor cursor, int count, int most, string items)
    {
        if (count > most)
            throw cursor.Fault($"claims {count} {items}, at most {most} are read; the file is damaged or made to exhaust memory");
    }

    private static int ReadAlignment(GgufCursor cursor, GgufMetadata metadata)
    {
        if (metadata.Find(GgufLimits.AlignmentKey) is not { } stored)
            return GgufLimits.DefaultAlignment;
        cursor.Where = $"key \"{GgufLimits.AlignmentKey}\"";
        if (stored.Content is not uint alignment)
            throw cursor.Fault($"is {stored.Describe()}, expected {GgufValueType.UInt32}; export the file again");
        if (alignment is 0 or > GgufLimits.LargestAlignment || (alignment & (alignment - 1)) != 0)
            throw cursor.Fault($"is {alignment}, expected a power of two from 1 to {GgufLimits.LargestAlignment}; export the file again");
        return (int)alignment;
    }
}
