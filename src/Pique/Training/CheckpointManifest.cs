using System.Security.Cryptography;
using System.Text.Json;
using Pique.Formats;

namespace Pique.Training;

/// <summary>manifest.json of a checkpoint: its files with length and SHA-256.</summary>
/// <param name="FormatVersion">Version of the layout.</param>
/// <param name="Files">Every file but the manifest.</param>
internal sealed record CheckpointManifest(int FormatVersion, IReadOnlyList<CheckpointManifest.Entry> Files)
{
    private const int CurrentFormatVersion = 1;
    private const long MaxBytes = 1 << 20;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Writes the manifest.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="entries">Its files.</param>
    public static void Save(string folder, IReadOnlyList<Entry> entries) =>
        AtomicFile.Write(Path.Combine(folder, CheckpointStore.ManifestName), stream => JsonSerializer.Serialize(stream, new CheckpointManifest(CurrentFormatVersion, entries), Json));

    /// <summary>Reads the manifest.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <exception cref="InputException">It is missing, cannot be read or is of another kind; the text does not name the folder.</exception>
    public static CheckpointManifest Load(string folder)
    {
        string path = Path.Combine(folder, CheckpointStore.ManifestName);
        if (!File.Exists(path))
            throw new InputException($"{CheckpointStore.ManifestName} is missing");
        try
        {
            CheckpointManifest? manifest = JsonSerializer.Deserialize<CheckpointManifest>(InputFile.ReadAllBytes(path, MaxBytes), Json);
            return manifest is { FormatVersion: CurrentFormatVersion, Files.Count: > 0 } && manifest.Files.All(entry => entry is not null)
                ? manifest
                : throw new InputException($"{CheckpointStore.ManifestName} is not of format version {CurrentFormatVersion}");
        }
        catch (JsonException failure)
        {
            throw new InputException($"{CheckpointStore.ManifestName} cannot be read ({failure.Message})", failure);
        }
    }

    /// <summary>A file of the checkpoint.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Bytes">Its length.</param>
    /// <param name="Sha256">SHA-256 of its bytes, hexadecimal.</param>
    internal sealed record Entry(string Name, long Bytes, string Sha256)
    {
        /// <summary>Describes a file.</summary>
        public static Entry Of(string path)
        {
            using FileStream stream = File.OpenRead(path);
            return new(Path.GetFileName(path), stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
        }

        /// <summary>Checks the file.</summary>
        /// <param name="folder">The checkpoint.</param>
        /// <returns>The fault, or null.</returns>
        public string? FaultIn(string folder)
        {
            if (string.IsNullOrEmpty(Name) || Name != Path.GetFileName(Name))
                return $"{CheckpointStore.ManifestName} names the file '{MessageText.Name(Name ?? "")}' outside the checkpoint";

            string path = Path.Combine(folder, Name);
            if (!File.Exists(path))
                return $"{MessageText.Name(Name)} is missing";

            try
            {
                Entry found = Of(path);
                return found.Bytes != Bytes ? $"{Name} has {found.Bytes} bytes, expected {Bytes}"
                    : found.Sha256 != Sha256 ? $"{Name} has SHA-256 {found.Sha256}, expected {Sha256}"
                    : null;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return $"{Name} cannot be read ({failure.Message})";
            }
        }
    }
}
