using System.Text.Json;
using System.Text.Json.Serialization;
using Pique.Formats;

namespace Pique.Adapters;

/// <summary>Which base an adapter belongs to, and how that was held while it was trained: pique_adapter.json.</summary>
/// <param name="BaseDigest">Digest of the frozen weights as the adapter saw them, see <see cref="ModelDigest"/>.</param>
/// <param name="RotationSeed">Seed of the rotation folded into them; null where they are not rotated.</param>
public sealed record AdapterOrigin([property: JsonPropertyName("base_sha256")] string BaseDigest, long? RotationSeed)
{
    private const int CurrentFormatVersion = 1;
    private const long MaxBytes = 1 << 16;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Version of the file's layout.</summary>
    [JsonPropertyOrder(-1)]
    public int FormatVersion { get; init; } = CurrentFormatVersion;

    internal void Save(string path) => AtomicFile.Write(path, stream =>
    {
        JsonSerializer.Serialize(stream, this, Json);
        stream.WriteByte((byte)'\n');
    });

    /// <summary>Reads the file; null where there is none, as in an adapter that PEFT trained.</summary>
    internal static AdapterOrigin? Load(string path)
    {
        if (!File.Exists(path))
            return null;
        using JsonDocument document = JsonFile.Parse(path, MaxBytes);
        try
        {
            AdapterOrigin? origin = document.Deserialize<AdapterOrigin>(Json);
            return origin is { FormatVersion: CurrentFormatVersion, BaseDigest: not null }
                ? origin
                : throw new InputException($"{path}: found format version {origin?.FormatVersion}, expected {CurrentFormatVersion} with a \"base_sha256\"; read it with the version of Pique that wrote it.");
        }
        catch (JsonException failure)
        {
            throw new InputException($"{path}: says nothing of an adapter's base ({failure.Message}); save the adapter again.", failure);
        }
    }
}
