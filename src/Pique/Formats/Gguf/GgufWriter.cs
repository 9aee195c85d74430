using System.Text;

namespace Pique.Formats.Gguf;

/// <summary>Writes GGUF files of version 3, little-endian. Equal metadata and entries give equal bytes.</summary>
/// <remarks>
/// Two keys follow the caller's: <c>pique.tensor_sha256</c>, the SHA-256 of each tensor's bytes, and <c>pique.header_sha256</c>, that of all
/// bytes ahead of the data section with its own 64 digits taken as '0'. They are filled in once the data is written.
/// </remarks>
public static class GgufWriter
{
    /// <summary>Writes a file atomically; tensors are streamed one after another.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="metadata">Key-value pairs; <c>general.alignment</c> among them sets the alignment, else it is 32.</param>
    /// <param name="entries">Tensors, written in this order.</param>
    /// <exception cref="ArgumentException">A key, name, shape or the alignment is one that the format does not allow, or a name or key is given twice or reserved.</exception>
    /// <exception cref="InvalidOperationException">An entry wrote another number of bytes than its type and shape ask for.</exception>
    /// <exception cref="InputException">The path cannot be written to.</exception>
    /// <exception cref="RunFailedException">Writing failed midway, for example on a full disk.</exception>
    public static void Write(string path, GgufMetadata metadata, IReadOnlyList<GgufTensorEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(entries);
        int alignment = CheckMetadata(metadata);
        CheckEntries(entries);
        GgufHeaderWriter header = new(metadata, entries, alignment);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header.Unsealed);
            byte[][] digests = [.. entries.Select(entry => WriteTensor(stream, entry, alignment))];
            stream.Position = 0;
            stream.Write(header.Seal(digests));
        });
    }

    private static byte[] WriteTensor(Stream stream, GgufTensorEntry entry, int alignment)
    {
        long expectedBytes = entry.Type.ByteCount(entry.Shape);
        using DigestStream content = new(stream);
        entry.Write(content);
        if (content.Length != expectedBytes)
            throw new InvalidOperationException($"tensor \"{entry.Name}\" wrote {content.Length} bytes, expected {expectedBytes} for {entry.Type.Name()} of shape {Shapes.Format(entry.Shape)}");
        stream.Write(new byte[GgufLimits.Align(expectedBytes, alignment) - expectedBytes]);
        return content.Finish();
    }

    private static int CheckMetadata(GgufMetadata metadata)
    {
        foreach ((string key, GgufValue _) in metadata)
        {
            if (GgufLimits.FaultOfKey(key) is { } fault)
                throw new ArgumentException($"key \"{key}\" {fault}", nameof(metadata));
            if (key is GgufDigests.TensorsKey or GgufDigests.HeaderKey)
                throw new ArgumentException($"key \"{key}\" is reserved: the writer adds it", nameof(metadata));
        }

        if (metadata.Find(GgufLimits.AlignmentKey) is not { } stored)
            return GgufLimits.DefaultAlignment;
        return stored.Content is uint alignment and > 0 and <= GgufLimits.LargestAlignment && (alignment & (alignment - 1)) == 0
            ? (int)alignment
            : throw new ArgumentException($"{GgufLimits.AlignmentKey} is not a UInt32 power of two up to {GgufLimits.LargestAlignment}", nameof(metadata));
    }

    private static void CheckEntries(IReadOnlyList<GgufTensorEntry> entries)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (GgufTensorEntry entry in entries)
        {
            if (TensorNameRules.FaultOf(entry.Name) is { } fault)
                throw new ArgumentException($"the name of tensor \"{entry.Name}\" {fault}", nameof(entries));
            if (Encoding.UTF8.GetByteCount(entry.Name) is var nameBytes and > GgufLimits.MaxWrittenNameBytes)
                throw new ArgumentException($"the name of tensor \"{entry.Name}\" has {nameBytes} bytes, ggml reads at most {GgufLimits.MaxWrittenNameBytes}", nameof(entries));
            if (!names.Add(entry.Name))
                throw new ArgumentException($"tensor name \"{entry.Name}\" is given twice; names are unique", nameof(entries));
            if (entry.Shape.Count > GgufLimits.MaxDimensions)
                throw new ArgumentException($"tensor \"{entry.Name}\" has {entry.Shape.Count} dimensions, GGUF allows {GgufLimits.MaxDimensions}", nameof(entries));
        }
    }
}
