using System.Security.Cryptography;
using System.Text;

namespace Pique.Formats.Gguf;

/// <summary>Makes the bytes of a header and knows where in them the digests stand.</summary>
internal sealed class GgufHeaderWriter
{
    private readonly byte[] _bytes;
    private readonly int _tensorDigestsAt;
    private readonly int _headerDigestAt;

    /// <summary>Makes a header whose digests are unknown yet.</summary>
    /// <param name="metadata">Key-value pairs, without digests.</param>
    /// <param name="entries">Tensors in the order of their bytes.</param>
    /// <param name="alignment">Alignment of the file.</param>
    public GgufHeaderWriter(GgufMetadata metadata, IReadOnlyList<GgufTensorEntry> entries, int alignment)
    {
        using MemoryStream buffer = new();
        using BinaryWriter writer = new(buffer);
        writer.Write(GgufLimits.Magic);
        writer.Write(GgufLimits.NewestVersion);
        writer.Write((ulong)entries.Count);
        writer.Write((ulong)metadata.Count + 2);
        foreach ((string key, GgufValue value) in metadata)
            WritePair(writer, key, value);

        // A string takes eight bytes of length and then its own.
        WritePair(writer, GgufDigests.TensorsKey, GgufValue.Of(Enumerable.Repeat(FileDigest.Unknown, entries.Count).ToArray()));
        _tensorDigestsAt = (int)buffer.Position - (entries.Count * (sizeof(ulong) + FileDigest.Digits));
        WritePair(writer, GgufDigests.HeaderKey, GgufValue.Of(FileDigest.Unknown));
        _headerDigestAt = (int)buffer.Position - FileDigest.Digits;
        WriteTensors(writer, entries, alignment);
        writer.Write(new byte[GgufLimits.Align(buffer.Position, alignment) - buffer.Position]);
        _bytes = buffer.ToArray();
    }

    /// <summary>The header with digests of zeros.</summary>
    public ReadOnlySpan<byte> Unsealed => _bytes;

    /// <summary>Puts the digests in, the header's own last, and returns the header.</summary>
    /// <param name="tensorDigests">SHA-256 of each tensor's bytes.</param>
    public byte[] Seal(IReadOnlyList<byte[]> tensorDigests)
    {
        byte[] bytes = [.. _bytes];
        for (int index = 0; index < tensorDigests.Count; index++)
            PutDigits(bytes, _tensorDigestsAt + (index * (sizeof(ulong) + FileDigest.Digits)) + sizeof(ulong), tensorDigests[index]);
        PutDigits(bytes, _headerDigestAt, SHA256.HashData(bytes));
        return bytes;
    }

    private static void PutDigits(byte[] header, int position, byte[] digest) =>
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(digest), header.AsSpan(position, FileDigest.Digits));

    private static void WriteTensors(BinaryWriter writer, IReadOnlyList<GgufTensorEntry> entries, int alignment)
    {
        long offset = 0;
        foreach (GgufTensorEntry entry in entries)
        {
            WriteText(writer, entry.Name);
            writer.Write(entry.Shape.Count);
            foreach (long size in entry.Shape.Reverse())
                writer.Write(size);
            writer.Write((uint)entry.Type);
            writer.Write(offset);
            offset = GgufLimits.Align(checked(offset + entry.Type.ByteCount(entry.Shape)), alignment);
        }
    }

    private static void WritePair(BinaryWriter writer, string key, GgufValue value)
    {
        WriteText(writer, key);
        writer.Write((uint)value.Type);
        WriteContent(writer, value);
    }

    private static void WriteContent(BinaryWriter writer, GgufValue value)
    {
        if (value.ElementType is { } elementType)
        {
            Array elements = (Array)value.Content;
            writer.Write((uint)elementType);
            writer.Write((ulong)elements.Length);
            foreach (object element in elements)
                WriteElement(writer, element);
        }
        else
        {
            WriteElement(writer, value.Content);
        }
    }

    private static void WriteElement(BinaryWriter writer, object element)
    {
        switch (element)
        {
            case string text: WriteText(writer, text); break;
            case bool flag: writer.Write(flag); break;
            case byte number: writer.Write(number); break;
            case sbyte number: writer.Write(number); break;
            case ushort number: writer.Write(number); break;
            case short number: writer.Write(number); break;
            case uint number: writer.Write(number); break;
            case int number: writer.Write(number); break;
            case ulong number: writer.Write(number); break;
            case long number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case double number: writer.Write(number); break;
            default: WriteContent(writer, (GgufValue)element); break;
        }
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = StrictUtf8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }
}
