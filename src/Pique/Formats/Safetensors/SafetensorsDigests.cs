using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pique.Formats.Safetensors;

/// <summary>The digests that Pique records in the metadata of a safetensors file.</summary>
internal static class SafetensorsDigests
{
    /// <summary>SHA-256 of each tensor's bytes: a JSON object of names and hexadecimal digits.</summary>
    public const string TensorsKey = "pique.tensor_sha256";

    /// <summary>SHA-256 of the length field and the header, with its own digits taken as zeros.</summary>
    public const string HeaderKey = "pique.header_sha256";

    /// <summary>Whether a key of the metadata holds digests.</summary>
    public static bool IsReserved(string key) => key is TensorsKey or HeaderKey;

    /// <summary>The metadata of a file without its digests.</summary>
    public static IReadOnlyDictionary<string, string> Without(IReadOnlyDictionary<string, string> metadata) =>
        metadata.Keys.Any(IsReserved) ? metadata.Where(pair => !IsReserved(pair.Key)).ToDictionary(StringComparer.Ordinal) : metadata;

    /// <summary>The value of <see cref="TensorsKey"/>.</summary>
    /// <param name="digests">Names in the order of the tensors' bytes, and digits.</param>
    public static string Write(IEnumerable<(string Name, string Digest)> digests)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            foreach ((string name, string digest) in digests)
                json.WriteString(name, digest);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    /// <summary>Reads the value of <see cref="TensorsKey"/>.</summary>
    /// <param name="text">The value.</param>
    /// <returns>Digits by name; null where the value is none that Pique writes.</returns>
    public static IReadOnlyDictionary<string, string>? Read(string text)
    {
        try
        {
            using JsonDocument document = StrictJson.Parse(Encoding.UTF8.GetBytes(text));
            return document.RootElement.ValueKind != JsonValueKind.Object ? null : document.RootElement.EnumerateObject()
                .ToDictionary(entry => entry.Name, entry => entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : string.Empty, StringComparer.Ordinal);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Digest of a header.</summary>
    /// <param name="header">The JSON, padding included.</param>
    /// <returns>64 hexadecimal digits; null where the digits of <see cref="HeaderKey"/> are not where Pique writes them.</returns>
    public static string? OfHeader(ReadOnlySpan<byte> header)
    {
        byte[] before = Encoding.ASCII.GetBytes($"\"{HeaderKey}\":\"");
        int digitsAt = header.IndexOf(before) + before.Length;
        if (digitsAt < before.Length || digitsAt + FileDigest.Digits > header.Length)
            return null;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> lengthField = stackalloc byte[SafetensorsFile.LengthBytes];
        BinaryPrimitives.WriteInt64LittleEndian(lengthField, header.Length);
        hash.AppendData(lengthField);
        hash.AppendData(header[..digitsAt]);
        hash.AppendData(Encoding.ASCII.GetBytes(FileDigest.Unknown));
        hash.AppendData(header[(digitsAt + FileDigest.Digits)..]);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
