using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pique.Formats.Safetensors;

/// <summary>Makes the bytes of a header, first with digests of zeros and, of equal length, with the true ones.</summary>
internal sealed class SafetensorsHeaderWriter
{
    private const int HeaderAlignmentBytes = 8;

    private readonly IReadOnlyList<SafetensorsEntry> _entries;
    private readonly SortedDictionary<string, string> _metadata;

    /// <summary>Checks what the header is to say.</summary>
    /// <param name="entries">Tensors in the order of their bytes.</param>
    /// <param name="metadata">The caller's metadata.</param>
    /// <exception cref="ArgumentException">A name is given twice, reserved or not allowed, or a shape is impossible.</exception>
    public SafetensorsHeaderWriter(IReadOnlyList<SafetensorsEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        HashSet<string> names = new(StringComparer.Ordinal) { SafetensorsHeader.MetadataKey };
        foreach (SafetensorsEntry entry in entries)
        {
            if (TensorNameRules.FaultOf(entry.Name) is { } fault)
                throw new ArgumentException($"the name of tensor \"{entry.Name}\" {fault}", nameof(entries));
            if (!names.Add(entry.Name))
                throw new ArgumentException($"tensor name \"{entry.Name}\" is reserved or given twice; names are unique", nameof(entries));
        }

        if (metadata.Keys.FirstOrDefault(SafetensorsDigests.IsReserved) is { } reserved)
            throw new ArgumentException($"metadata key \"{reserved}\" is reserved: the writer adds it", nameof(metadata));
        _entries = entries;
        _metadata = new SortedDictionary<string, string>(metadata.ToDictionary(), StringComparer.Ordinal);
    }

    /// <summary>Bytes a tensor takes.</summary>
    /// <exception cref="ArgumentException">A size is negative.</exception>
    public static long StoredBytes(SafetensorsEntry entry)
    {
        if (entry.Shape.Any(size => size < 0))
            throw new ArgumentException($"tensor \"{entry.Name}\" has shape {Shapes.Format(entry.Shape)}; sizes are zero or more", nameof(entry));
        return checked(Shapes.ElementCount(entry.Shape) * entry.Dtype.ElementBytes());
    }

    /// <summary>The header with digests of zeros.</summary>
    public byte[] Unsealed() => Make(_entries.Select(_ => FileDigest.Unknown), FileDigest.Unknown);

    /// <summary>The header with the true digests, its own last.</summary>
    /// <param name="tensorDigests">SHA-256 of each tensor's bytes.</param>
    public byte[] Sealed(IReadOnlyList<byte[]> tensorDigests)
    {
        string[] digests = [.. tensorDigests.Select(Convert.ToHexStringLower)];
        return Make(digests, SafetensorsDigests.OfHeader(Make(digests, FileDigest.Unknown))!);
    }

    private byte[] Make(IEnumerable<string> tensorDigests, string headerDigest)
    {
        _metadata[SafetensorsDigests.TensorsKey] = SafetensorsDigests.Write(_entries.Zip(tensorDigests, (entry, digest) => (entry.Name, digest)));
        _metadata[SafetensorsDigests.HeaderKey] = headerDigest;
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject(SafetensorsHeader.MetadataKey);
            foreach ((string key, string text) in _metadata)
                json.WriteString(key, text);
            json.WriteEndObject();
            long begin = 0;
            foreach (SafetensorsEntry entry in _entries)
            {
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
}
