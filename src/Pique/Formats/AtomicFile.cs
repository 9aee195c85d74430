namespace Pique.Formats;

/// <summary>Writes files that are either whole or absent: to a ".partial" neighbour first, then flushed to the disk, then renamed.</summary>
public static class AtomicFile
{
    /// <summary>What is appended to a path while it is being written.</summary>
    public const string PartialSuffix = ".partial";

    private const int BufferBytes = 1 << 16;

    /// <summary>Writes a file, replacing one that exists. On failure the old file is untouched and nothing is left behind.</summary>
    /// <param name="path">File to write; its folder must exist.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="InputException">The path is a folder, or the folder is missing or not writable.</exception>
    /// <exception cref="RunFailedException">Writing failed midway, for example on a full disk.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        if (Directory.Exists(path))
            throw new InputException($"{path}: is a folder where a file is to be written; name a file");

        string partial = path + PartialSuffix;
        FileStream stream = Create(path, partial);
        try
        {
            using (stream)
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
        }
        catch (Exception failure)
        {
            DeleteQuietly(partial);
            if (failure is IOException or UnauthorizedAccessException)
                throw new RunFailedException($"{path}: writing failed ({failure.Message}); check the free space and the permissions of the disk", failure);
            throw;
        }
    }

    private static FileStream Create(string path, string partial)
    {
        try
        {
            return new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, BufferBytes);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be written ({failure.Message}); choose a folder that exists and is writable", failure);
        }
    }

    private static void DeleteQuietly(string partial)
    {
        try
        {
            File.Delete(partial);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report; a leftover partial is overwritten by the next attempt.
        }
    }
}
