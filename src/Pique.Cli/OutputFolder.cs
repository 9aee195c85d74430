using Pique.Pipeline;

namespace Pique.Cli;

/// <summary>Checks of a folder that a command will write, made before any work.</summary>
internal static class OutputFolder
{
    /// <summary>Refuses a file, and a folder that holds anything.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="InputException">It is a file, or not empty.</exception>
    public static void RequireNew(string path)
    {
        if (File.Exists(path))
        {
            throw new InputException($"{path}: found a file where a folder is to be written. Choose another folder with --out.");
        }

        // The lock of a run that was killed before it wrote anything is no reason to refuse.
        if (Directory.Exists(path) && RunFolder.EntriesOf(path).Any())
        {
            throw new InputException($"{path}: the output folder is not empty. Choose an empty or new folder with --out.");
        }
    }

    /// <summary>Refuses a file, and a folder that holds anything, where a run is to begin.</summary>
    /// <param name="path">Folder of the run.</param>
    /// <exception cref="InputException">It is a file, or not empty.</exception>
    public static void RequireNewRun(string path)
    {
        if (File.Exists(Path.Combine(path, RunFolder.RecipeName)))
        {
            throw new InputException($"{path}: holds a run already. Continue it with --resume, or choose another folder with --out.");
        }

        RequireNew(path);
    }

    /// <summary>Refuses a folder that cannot be made or written to, before hours are spent on what would go there.</summary>
    /// <param name="path">The folder; it need not exist, and is left as it was.</param>
    /// <exception cref="InputException">It cannot be written.</exception>
    public static void RequireWritable(string path)
    {
        try
        {
            // The innermost folder that exists is the one that must take a new entry.
            string? existing = Path.GetFullPath(path);
            while (existing is not null && !Path.Exists(existing))
            {
                existing = Path.GetDirectoryName(existing);
            }

            string probe = Path.Combine(existing ?? Path.GetPathRoot(Path.GetFullPath(path))!, $".pique-{Environment.ProcessId}");
            Directory.CreateDirectory(probe);
            Directory.Delete(probe);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the output folder cannot be written ({failure.Message}). Choose a folder you may write to with --out.", failure);
        }
    }
}
