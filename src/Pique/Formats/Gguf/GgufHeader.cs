using System.Runtime.InteropServices;

namespace Pique.Formats.Gguf;

/// <summary>Everything of a GGUF file ahead of its data, proved consistent with itself and with the length of the file.</summary>
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
        (IReadOnlyList<GgufTensor> tensors, long headerBytes) = GgufTensorReader.Read(cursor, tensorCount, alignment, fileBytes);
        return new GgufHeader((int)version, alignment, metadata, tensors, headerBytes);
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
