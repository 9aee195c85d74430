using System.Globalization;

namespace Pique.Training;

/// <summary>Checkpoints of a run: one folder "step-000123" each, whole or absent, every file with its SHA-256.</summary>
/// <remarks>A checkpoint is written under a temporary name, flushed, given its manifest last and then renamed. The newest few are kept.</remarks>
public sealed class CheckpointStore
{
    /// <summary>Lists a checkpoint's files with length and SHA-256.</summary>
    public const string ManifestName = "manifest.json";

    private const string Prefix = "step-";
    private const string TemporaryPrefix = ".partial-";

    private readonly string _folder;
    private readonly int _keep;

    /// <summary>Creates the store. Nothing is written yet.</summary>
    /// <param name="folder">The folder "checkpoints" of a run.</param>
    /// <param name="keep">Checkpoints to keep; at least 1.</param>
    public CheckpointStore(string folder, int keep)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        _folder = folder;
        _keep = keep;
    }

    /// <summary>Folders of all checkpoints, newest first, sound or not.</summary>
    public IReadOnlyList<string> Folders => !Directory.Exists(_folder)
        ? []
        : [.. Directory.EnumerateDirectories(_folder, Prefix + "*").Where(folder => StepOf(folder) is not null).OrderByDescending(StepOf)];

    /// <summary>Writes a checkpoint and drops the oldest beyond the number to keep.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="files">File names and what writes each to the path it is given.</param>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="PiqueException">The disk is full or not writable; earlier checkpoints are untouched.</exception>
    public string Save(int step, IReadOnlyList<(string Name, Action<string> Write)> files)
    {
        string target = Path.Combine(_folder, Prefix + step.ToString("D6", CultureInfo.InvariantCulture));
        string temporary = Path.Combine(_folder, TemporaryPrefix + Path.GetFileName(target));
        try
        {
            RemoveLeftovers();
            Directory.CreateDirectory(temporary);
            List<CheckpointManifest.Entry> entries = [];
            foreach ((string name, Action<string> write) in files)
            {
                string path = Path.Combine(temporary, name);
                write(path);
                entries.Add(CheckpointManifest.Entry.Of(path));
            }

            CheckpointManifest.Save(temporary, entries);
            DirectorySync.Flush(temporary);
            if (Directory.Exists(target))
            {
                // Only a damaged one can be in the way: a sound one would have been resumed from.
                Remove(target);
            }

            Directory.Move(temporary, target);
            DirectorySync.Flush(_folder);
            foreach (string old in Folders.Skip(_keep))
            {
                Remove(old);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunFailedException($"{target}: the checkpoint cannot be written ({failure.Message}); check the free space and the permissions of the disk.", failure);
        }

        return target;
    }

    /// <summary>Finds the newest checkpoint whose every file is as its manifest says.</summary>
    /// <param name="rejected">Told folder and fault of each damaged one passed over.</param>
    /// <returns>Its folder, or null where there is none at all.</returns>
    /// <exception cref="InputException">There are checkpoints and all are damaged.</exception>
    public string? FindNewest(Action<string, string> rejected)
    {
        IReadOnlyList<string> folders = Folders;
        foreach (string folder in folders)
        {
            if (Fault(folder) is not { } fault)
            {
                return folder;
            }

            rejected(folder, fault);
        }

        return folders.Count == 0
            ? null
            : throw new InputException($"{_folder}: all {folders.Count} checkpoints are damaged; delete the folder to start anew.");
    }

    /// <summary>Checks one checkpoint against its manifest.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <returns>The first fault, or null.</returns>
    public static string? Fault(string folder)
    {
        try
        {
            return CheckpointManifest.Load(folder).Files.Select(entry => entry.FaultIn(folder)).FirstOrDefault(fault => fault is not null);
        }
        catch (InputException refusal)
        {
            return refusal.Message;
        }
    }

    /// <summary>The step in the name of a checkpoint's folder; null where the name is none of a checkpoint.</summary>
    /// <param name="folder">Any folder.</param>
    internal static int? StepOf(string folder) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)) is var name
        && name.StartsWith(Prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int step)
            ? step
            : null;

    private void RemoveLeftovers()
    {
        if (Directory.Exists(_folder))
        {
            foreach (string leftover in Directory.EnumerateDirectories(_folder, TemporaryPrefix + "*").ToList())
            {
                Directory.Delete(leftover, recursive: true);
            }
        }
    }

    /// <summary>Renames first, so that a crash midway never leaves half a checkpoint under a checkpoint's name.</summary>
    private void Remove(string folder)
    {
        string doomed = Path.Combine(_folder, TemporaryPrefix + "old-" + Path.GetFileName(folder));
        Directory.Move(folder, doomed);
        Directory.Delete(doomed, recursive: true);
    }
}
