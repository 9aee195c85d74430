using System.Globalization;
using Pique.Formats;

namespace Pique.Training;

/// <summary>Checkpoints of a run: one folder "step-000123" each, whole or absent, every file with its SHA-256.</summary>
/// <remarks>
/// A checkpoint is written into a folder of a temporary name: each file flushed to the disk and hashed on its way there, the manifest last.
/// Then the folder itself is flushed, renamed, and its parent flushed. So a name "step-…" stands for a whole checkpoint at every instant, and
/// what the disk does to one later shows in its hashes. The newest few are kept, and those that they require.
/// </remarks>
public sealed class CheckpointStore
{
    /// <summary>Lists a checkpoint's files with length and SHA-256.</summary>
    public const string ManifestName = CheckpointManifest.FileName;

    private const string Prefix = "step-";
    private const string TemporaryPrefix = ".partial-";
    private const int BufferBytes = 1 << 16;

    private readonly string _folder;
    private readonly int _keep;
    private readonly Func<string, FileStream> _create;
    private readonly HashSet<string> _rejected = [];

    /// <summary>Creates the store. Nothing is written yet.</summary>
    /// <param name="folder">The folder "checkpoints" of a run.</param>
    /// <param name="keep">Checkpoints to keep; at least 1.</param>
    public CheckpointStore(string folder, int keep) : this(folder, keep, CreateFile)
    {
    }

    /// <summary>Creates the store with its own way to create a file, so that tests can let the disk fail.</summary>
    /// <param name="folder">The folder "checkpoints" of a run.</param>
    /// <param name="keep">Checkpoints to keep; at least 1.</param>
    /// <param name="create">Creates a file for writing.</param>
    internal CheckpointStore(string folder, int keep, Func<string, FileStream> create)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        _folder = folder;
        _keep = keep;
        _create = create;
    }

    /// <summary>Creates a file for writing; it must not exist.</summary>
    internal static FileStream CreateFile(string path) => new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes);

    /// <summary>Folders of all checkpoints, newest first, sound or not.</summary>
    public IReadOnlyList<string> Folders => !Directory.Exists(_folder)
        ? []
        : [.. Directory.EnumerateDirectories(_folder, Prefix + "*").Where(folder => StepOf(folder) is not null).OrderByDescending(StepOf)];

    /// <summary>The folder of a step's checkpoint, whether there is one or not.</summary>
    /// <param name="step">Steps done.</param>
    public string FolderOf(int step) => Path.Combine(_folder, Prefix + step.ToString("D6", CultureInfo.InvariantCulture));

    /// <summary>Writes a checkpoint, then drops those known to be damaged and the oldest beyond the number to keep.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="files">Its files.</param>
    /// <param name="requires">Steps of other checkpoints to keep as long as this one; null for none.</param>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="RunFailedException">The disk is full or not writable; earlier checkpoints are untouched.</exception>
    public string Save(int step, IReadOnlyList<CheckpointFile> files, IReadOnlyList<int>? requires = null)
    {
        string target = FolderOf(step);
        string temporary = Path.Combine(_folder, TemporaryPrefix + Path.GetFileName(target));
        try
        {
            RemovePartial();
            Directory.CreateDirectory(temporary);
            List<CheckpointManifest.Entry> entries = [.. files.Select(file => WriteFile(temporary, file))];
            var manifest = new CheckpointManifest(CheckpointManifest.CurrentFormatVersion, requires ?? [], entries);
            WriteFile(temporary, new(ManifestName, manifest.Write));
            DirectorySync.Flush(temporary);
            if (Directory.Exists(target))
            {
                // Only one that could not be used can be in the way: else the run would have continued from it.
                Remove(target);
            }

            Directory.Move(temporary, target);
            DirectorySync.Flush(_folder);
            _rejected.Remove(target);
            RemoveOld();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            DeleteQuietly(temporary);
            throw new RunFailedException(
                $"{target}: the checkpoint cannot be written ({failure.Message}); earlier ones are as they were. Make room on the disk or mend its permissions, then continue with --resume.", failure);
        }

        return target;
    }

    /// <summary>Finds the newest checkpoint that is as its manifest says, together with those it requires.</summary>
    /// <param name="rejected">Told folder and fault of each one passed over.</param>
    /// <returns>The checkpoint, or null where there is none at all. Where no sound one has all that it requires, the newest sound one.</returns>
    /// <exception cref="InputException">There are checkpoints and all are damaged.</exception>
    public FoundCheckpoint? FindNewest(Action<string, string> rejected)
    {
        IReadOnlyList<string> folders = Folders;
        string? incomplete = null;
        foreach (string folder in folders)
        {
            string? fault = Fault(folder);
            string? missing = fault is null ? MissingIn(folder) : null;
            if (fault is null && missing is null)
            {
                return new(folder, IsComplete: true);
            }

            incomplete ??= fault is null ? folder : null;
            _rejected.Add(folder);
            rejected(folder, fault ?? missing!);
        }

        if (incomplete is not null)
        {
            _rejected.Remove(incomplete);
            return new(incomplete, IsComplete: false);
        }

        return folders.Count == 0
            ? null
            : throw new InputException($"{_folder}: all {folders.Count} checkpoints are damaged; delete the folder to start anew.");
    }

    /// <summary>Deletes what an interrupted writer left behind.</summary>
    /// <returns>The folders deleted.</returns>
    public IReadOnlyList<string> RemovePartial()
    {
        if (!Directory.Exists(_folder))
        {
            return [];
        }

        string[] partial = [.. Directory.EnumerateDirectories(_folder, TemporaryPrefix + "*").Order(StringComparer.Ordinal)];
        foreach (string folder in partial)
        {
            Directory.Delete(folder, recursive: true);
        }

        return partial;
    }

    /// <summary>Checks one checkpoint against its manifest.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <returns>The first fault, or null.</returns>
    public static string? Fault(string folder)
    {
        (CheckpointManifest? manifest, string? fault) = CheckpointManifest.Read(folder);
        return fault ?? manifest!.FaultIn(folder);
    }

    /// <summary>The step in the name of a checkpoint's folder; null where the name is none of a checkpoint.</summary>
    /// <param name="folder">Any folder.</param>
    internal static int? StepOf(string folder) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)) is var name
        && name.StartsWith(Prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int step)
            ? step
            : null;

    private static IReadOnlyList<int> RequiredBy(string folder) => CheckpointManifest.Read(folder).Manifest?.Requires ?? [];

    private string? MissingIn(string folder) => RequiredBy(folder)
        .Select(step => (Folder: FolderOf(step), Fault: Fault(FolderOf(step))))
        .Where(required => required.Fault is not null)
        .Select(required => $"it requires {Path.GetFileName(required.Folder)}, of which {required.Fault}")
        .FirstOrDefault();

    private CheckpointManifest.Entry WriteFile(string folder, CheckpointFile file)
    {
        using FileStream stream = _create(Path.Combine(folder, file.Name));
        using var digest = new DigestStream(stream);
        file.Write(digest);
        long bytes = digest.Length;
        stream.Flush(flushToDisk: true);
        return new(file.Name, bytes, Convert.ToHexStringLower(digest.Finish()));
    }

    private void RemoveOld()
    {
        string[] newest = [.. Folders.Where(folder => !_rejected.Contains(folder)).Take(_keep)];
        HashSet<string> kept = [.. newest, .. newest.SelectMany(RequiredBy).Select(FolderOf)];
        foreach (string old in Folders.Where(folder => !kept.Contains(folder)))
        {
            Remove(old);
            _rejected.Remove(old);
        }
    }

    /// <summary>Renames first, so that a crash midway never leaves half a checkpoint under a checkpoint's name.</summary>
    private void Remove(string folder)
    {
        string doomed = Path.Combine(_folder, TemporaryPrefix + "old-" + Path.GetFileName(folder));
        Directory.Move(folder, doomed);
        Directory.Delete(doomed, recursive: true);
    }

    private static void DeleteQuietly(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report; what is left is deleted by the next save or resume.
        }
    }
}
