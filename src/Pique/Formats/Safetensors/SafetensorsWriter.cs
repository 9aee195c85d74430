using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pique.Formats.Safetensors;

/// <summary>Writes safetensors files. Equal entries give equal bytes: metadata by key, then tensors by falling alignment and name, as the reference implementation orders them.</summary>
public static class SafetensorsWriter
{
    private const int HeaderAlignmentBytes = 8;

    /// <summary>Writes a file atomically.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="entries">Tensors, in any order.</param>
    /// <param name="metadata">Strings to store in "__metadata__"; null or empty for none.</param>
    /// <exception cref="ArgumentException">Two entries share a name, a name is reserved, or a shape is impossible.</exception>
    /// <exception cref="InvalidOperationException">An entry wrote another number of bytes than its shape asks for.</exception>
    /// <exception cref="InputException">The path cannot be written to.</exception>
    public static void Write(string path, IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata = null)
    {
        AtomicFile.Write(path, stream => Write(stream, entries, metadata));
    }

    /// <summary>Writes the content of a file to a stream.</summary>
    /// <param name="stream">Stream that counts its position.</param>
    /// <param name="entries">Tensors, in any order.</param>
    /// <param name="metadata">Strings to store in "__metadata__"; null or empty for none.</param>
    /// <exception cref="ArgumentException">Two entries share a name, a name is reserved, or a shape is impossible.</exception>
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
        WriteAll(stream, Header(ordered, metadata ?? new Dictionary<string, string>()), ordered);
    }

    private static void WriteAll(Stream stream, byte[] header, SafetensorsEntry[] entries)
    {
        Span<byte> lengthField = stackalloc byte[SafetensorsFile.LengthBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(lengthField, (ulong)header.Length);
        stream.Write(lengthField);
        stream.Write(header);
        foreach (SafetensorsEntry entry in entries)
        {
            long start = stream.Position;
            entry.WriteContent(stream);
            long writtenBytes = stream.Position - start;
            if (writtenBytes != StoredBytes(entry))
                throw new InvalidOperationException($"tensor \"{entry.Name}\" wrote {writtenBytes} bytes, expected {StoredBytes(entry)} for {entry.Dtype.FormatName()} of shape {Shapes.Format(entry.Shape)}");
        }
    }

    private static byte[] Header(SafetensorsEntry[] entries, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream buffer = new();
        HashSet<string> names = new(StringComparer.Ordinal) { SafetensorsHeader.MetadataKey };
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach ((string key, string text) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    json.WriteString(key, text);
                json.WriteEndObject();
            }

            long begin = 0;
            foreach (SafetensorsEntry entry in entries)
            {
                if (!names.Add(entry.Name))
                    throw new ArgumentException($"tensor name \"{entry.Name}\" is reserved or given twice; names are unique", nameof(entries));
                long end = checked(begin + StoredBytes(entry));
                WriteEntry(json, entry, begin, end);
                begin = end;
            }

            json.WriteEndObject();
        }

        while ((SafetensorsFile.LengthBytes + buffer.Length) % HeaderAlignmentBytes != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    private static void WriteEntry(Utf8JsonWriter json, SafetensorsEntry entry, long begin, long end)
    {
        json.WriteStartObject(entry.Name);
        json.WriteString("dtype", entry.Dtype.FormatName());
        json.WriteStartArray("shape");
        foreach (long size in entry.Shape)
            json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(begin);
        json.WriteNumberValue(end);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static long StoredBytes(SafetensorsEntry entry)
    {
        if (entry.Shape.Any(size => size < 0))
            throw new ArgumentException($"tensor \"{entry.Name}\" has shape {Shapes.Format(entry.Shape)}; sizes are zero or more", nameof(entry));
        return checked(Shapes.ElementCount(entry.Shape) * entry.Dtype.ElementBytes());
    }
}
