using Pique.Formats.Verification;

namespace Pique.Training;

/// <summary>Verifies a checkpoint: every file against the manifest, and every tensor against the digests of its file.</summary>
internal static class CheckpointVerifier
{
    /// <summary>Verifies a checkpoint.</summary>
    /// <param name="folder">Its folder.</param>
    public static VerificationReport Verify(string folder)
    {
        List<VerificationItem> items = [];
        IReadOnlyList<CheckpointManifest.Entry> entries = [];
        try
        {
            entries = CheckpointManifest.Load(folder).Files;
            items.Add(new VerificationItem(CheckpointStore.ManifestName, VerificationParts.Content, VerificationStatus.Ok, $"lists {entries.Count} files"));
        }
        catch (InputException refusal)
        {
            items.Add(new VerificationItem(CheckpointStore.ManifestName, VerificationParts.Content, VerificationStatus.Corrupt, refusal.Message));
        }

        foreach (CheckpointManifest.Entry entry in entries)
        {
            string? fault = entry.FaultIn(folder);
            items.Add(new VerificationItem(
                entry.Name ?? CheckpointStore.ManifestName, VerificationParts.Content, fault is null ? VerificationStatus.Ok : VerificationStatus.Corrupt, fault ?? "digest matches"));
        }

        HashSet<string> listed = [.. entries.Select(entry => entry.Name).OfType<string>(), CheckpointStore.ManifestName];
        foreach (string path in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(path);
            if (!listed.Contains(name))
                items.Add(new VerificationItem(name, VerificationParts.Content, VerificationStatus.NoDigest, $"is not in {CheckpointStore.ManifestName}"));
            if (Path.GetExtension(name) == ".safetensors")
                items.AddRange(SafetensorsVerifier.Verify(path, name));
        }

        return new VerificationReport(folder, "checkpoint", items);
    }
}
