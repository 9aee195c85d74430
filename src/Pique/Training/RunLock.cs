using Pique.Formats;

namespace Pique.Training;

/// <summary>Keeps a run folder to one run: an open handle on its file ".lock" that no other process, and no other run of this one, can open too.</summary>
public sealed class RunLock : IDisposable
{
    /// <summary>Name of the file in the run folder.</summary>
    public const string FileName = ".lock";

    private readonly FileLock _handle;

    private RunLock(FileLock handle) => _handle = handle;

    /// <summary>Takes the folder, which is made where it is missing.</summary>
    /// <param name="folder">The run folder.</param>
    /// <exception cref="RunFolderInUseException">Another run has it.</exception>
    /// <exception cref="InputException">It cannot be written.</exception>
    public static RunLock Acquire(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new(FileLock.Acquire(Path.Combine(folder, FileName), failure => new RunFolderInUseException(folder, failure)));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: the output folder cannot be written ({failure.Message}). Choose a folder you may write to with --out.", failure);
        }
    }

    /// <summary>Lets go of the folder.</summary>
    public void Dispose() => _handle.Dispose();
}
