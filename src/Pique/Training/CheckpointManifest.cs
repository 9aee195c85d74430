using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pique.Formats;

namespace Pique.Training;

/// <summary>What a checkpoint's files must be, written after all of them: manifest.json.</summary>
/// <param name="FormatVersion">Version of the layout.</param>
/// <param name="Requires">Steps of other checkpoints that this one cannot do without.</param>
/// <param name="Files">Its files.</param>
internal sealed record CheckpointManifest(int FormatVersion, IReadOnlyList<int>? Requires, IReadOnlyList<CheckpointManifest.Entry?>? Files)
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "manifest.json";

    /// <summary>The version this code writes and reads.</summary>
    public const int CurrentFormatVersion = 1;

    private const long MaxBytes = 1 << 20;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>Writes the manifest.</summary>
    /// <param name="stream">Where to.</param>
    public void Write(Stream stream) => stream.Write(JsonSerializer.SerializeToUtf8Bytes(this, Json));

    /// <summary>Reads the manifest of a checkpoint.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <returns>The manifest, or else what is wrong with it.</returns>
    public static (CheckpointManifest? Manifest, string? Fault) Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return (null, $"{FileName} is missing");
        }

        try
        {
            CheckpointManifest? manifest = JsonSerializer.Deserialize<CheckpointManifest>(InputFile.ReadAllBytes(path, MaxBytes), Json);
            return manifest is { FormatVersion: CurrentFormatVersion, Files.Count: > 0 } && manifest.Files.All(file => file is not null)
                ? (manifest, null)
                : (null, $"{FileName} is not of format version {CurrentFormatVersion}");
        }
        catch (Exception failure) when (failure is JsonException or InputException)
        {
            return (null, $"{FileName} cannot be read ({failure.Message})");
        }
    }

    /// <summary>Compares the files with the manifest.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <returns>The first fault, or null.</returns>
    public string? FaultIn(string folder) => Files!.Select(file => file!.FaultIn(folder)).FirstOrDefault(fault => fault is not null);

    /// <summary>One file.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Bytes">Its length.</param>
    /// <param name="Sha256">SHA-256 of what was written to it, in lower-case hexadecimal digits.</param>
    public sealed record Entry(string? Name, long Bytes, string? Sha256)
    {
        /// <summary>Compares the file with the entry.</summary>
        /// <param name="folder">The checkpoint.</param>
        /// <returns>What is wrong, or null.</returns>
        public string? FaultIn(string folder)
        {
            if (string.IsNullOrEmpty(Name) || Name != Path.GetFileName(Name))
            {
                return $"{FileName} names the file '{MessageText.Name(Name ?? "")}' outside the checkpoint";
            }

            string path = Path.Combine(folder, Name);
            if (!File.Exists(path))
            {
                return $"{MessageText.Name(Name)} is missing";
            }

            try
            {
                using FileStream stream = File.OpenRead(path);
                if (stream.Length != Bytes)
                {
                    return $"{Name} has {stream.Length} bytes, expected {Bytes}";
                }

                string found = Convert.ToHexStringLower(SHA256.HashData(stream));
                return found == Sha256 ? null : $"{Name} has SHA-256 {found}, expected {Sha256}";
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return $"{Name} cannot be read ({failure.Message})";
            }
        }
    }
}
