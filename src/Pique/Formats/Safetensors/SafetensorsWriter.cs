using System.Buffers.Binary;

namespace Pique.Formats.Safetensors;

/// <summary>Writes safetensors files. Equal entries give equal bytes: metadata by key, then tensors by falling alignment and name, as the reference implementation orders them.</summary>
/// <remarks>
/// Two keys are added to the metadata, which other readers pass over: <c>pique.tensor_sha256</c>, a JSON object with the SHA-256 of each
/// tensor's bytes, and <c>pique.header_sha256</c>, that of all bytes ahead of the data with its own 64 digits taken as '0'. They are filled
/// in once the data is written.
/// </remarks>
public static class SafetensorsWriter
{
    /// <summary>Writes a file atomically.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="entries">Tensors, in any order.</param>
    /// <param name="metadata">Strings to store in "__metadata__"; null or empty for none but the digests.</param>
    /// <exception cref="ArgumentException">Two entries share a name, a name or key is reserved or not allowed, or a shape is impossible.</exception>
    /// <exception cref="InvalidOperationException">An entry wrote another number of bytes than its shape asks for.</exception>
    /// <exception cref="InputException">The path cannot be written to.</exception>
    /// <exception cref="RunFailedException">Writing failed midway, for example on a full disk.</exception>
    public static void Write(string path, IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata = null)
    {
        AtomicFile.Write(path, stream => Write(stream, entries, metadata));
    }

    /// <summary>Writes the content of a file to a stream, which ends with it.</summary>
    /// <param name="stream">Where to write. For one that cannot go back to the header, every entry writes its content twice, first for its digest alone.</param>
    /// <param name="entries">Tensors, in any order.</param>
    /// <param name="metadata">Strings to store in "__metadata__"; null or empty for none but the digests.</param>
    /// <exception cref="ArgumentException">Two entries share a name, a name or key is reserved or not allowed, or a shape is impossible.</exception>
    /// <exception cref="InvalidOperationException">An entry wrote another number of bytes than its shape asks for.</exception>
    public static void Write(Stream stream, IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(entries);
        SafetensorsEntry[] ordered =
        [
            .. entries
                .OrderByDescending(entry => entry.Dtype.ElementBytes())
                .ThenBy(entry => entry.Name, StringComparer.Ordinal),
        ];
        SafetensorsHeaderWriter header = new(ordered, metadata ?? new Dictionary<string, string>());
        if (stream.CanSeek)
        {
            long start = stream.Position;
            WriteHeader(stream, header.Unsealed());
            byte[][] digests = [.. ordered.Select(entry => WriteTensor(stream, entry))];
            stream.Position = start;
            WriteHeader(stream, header.Sealed(digests));
            stream.Seek(0, SeekOrigin.End);
            return;
        }

        WriteHeader(stream, header.Sealed([.. ordered.Select(entry => WriteTensor(Stream.Null, entry))]));
        foreach (SafetensorsEntry entry in ordered)
            entry.WriteContent(stream); // As many bytes as the first time, whose digest is in the header already.
    }

    private static void WriteHeader(Stream stream, byte[] header)
    {
        Span<byte> lengthField = stackalloc byte[SafetensorsFile.LengthBytes];
        BinaryPrimitives.WriteInt64LittleEndian(lengthField, header.Length);
        stream.Write(lengthField);
        stream.Write(header);
    }

    private static byte[] WriteTensor(Stream stream, SafetensorsEntry entry)
    {
        using DigestStream content = new(stream);
        entry.WriteContent(content);
        long expectedBytes = SafetensorsHeaderWriter.StoredBytes(entry);
        if (content.Length != expectedBytes)
            throw new InvalidOperationException($"tensor \"{entry.Name}\" wrote {content.Length} bytes, expected {expectedBytes} for {entry.Dtype.FormatName()} of shape {Shapes.Format(entry.Shape)}");
        return content.Finish();
    }
}
