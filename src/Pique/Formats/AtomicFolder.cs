namespace Pique.Formats;

/// <summary>Writes folders that are either whole or absent: to a ".partial" neighbour first, then renamed.</summary>
internal static class AtomicFolder
{
    private const string PreviousSuffix = ".previous";

    /// <summary>Writes a folder, replacing an older one of the same kind. On failure the old folder is untouched and nothing is left behind.</summary>
    /// <param name="folder">Folder to write; folders above it are created.</param>
    /// <param name="isOurs">Whether a file of this name may be replaced; a folder with any other file in it is refused.</param>
    /// <param name="write">Writes the content into the folder it is given.</param>
    /// <exception cref="InputException">The path is a file, holds foreign files, or is not writable.</exception>
    /// <exception cref="RunFailedException">Writing failed midway, for example on a full disk.</exception>
    public static void Write(string folder, Func<string, bool> isOurs, Action<string> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        folder = Path.TrimEndingDirectorySeparator(folder);
        CheckReplaceable(folder, isOurs);
        string partial = folder + AtomicFile.PartialSuffix;
        Create(folder, partial);
        try
        {
            write(partial);
            Replace(folder, partial);
        }
        catch (Exception failure)
        {
            DeleteQuietly(partial);
            if (failure is IOException or UnauthorizedAccessException)
                throw new RunFailedException($"{folder}: writing failed ({failure.Message}); check the free space and the permissions of the disk", failure);
            throw;
        }
    }

    private static void CheckReplaceable(string folder, Func<string, bool> isOurs)
    {
        if (File.Exists(folder))
            throw new InputException($"{folder}: is a file where a folder is to be written; name a folder");
        if (!Directory.Exists(folder))
            return;

        string? foreign = Directory.EnumerateFileSystemEntries(folder)
            .Where(entry => Directory.Exists(entry) || !isOurs(Path.GetFileName(entry)))
            .Order(StringComparer.Ordinal)
            .FirstOrDefault();
        if (foreign is not null)
            throw new InputException($"{folder}: holds {Path.GetFileName(foreign)}, which replacing the folder would delete; choose an empty or new folder");
    }

    private static void Create(string folder, string partial)
    {
        try
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
            Directory.CreateDirectory(partial);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: cannot be written ({failure.Message}); choose a folder that is writable", failure);
        }
    }

    /// <summary>A folder cannot be renamed over another: the old one steps aside first and returns if the new one does not get there.</summary>
    private static void Replace(string folder, string partial)
    {
        if (!Directory.Exists(folder))
        {
            Directory.Move(partial, folder);
            return;
        }

        string previous = folder + PreviousSuffix;
        if (Directory.Exists(previous))
            Directory.Delete(previous, recursive: true);
        Directory.Move(folder, previous);
        try
        {
            Directory.Move(partial, folder);
        }
        catch
        {
            Directory.Move(previous, folder);
            throw;
        }

        Directory.Delete(previous, recursive: true);
    }

    private static void DeleteQuietly(string partial)
    {
        try
        {
            Directory.Delete(partial, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report; a leftover partial is replaced by the next attempt.
        }
    }
}
