namespace Pique.Training;

/// <summary>Keeps a run folder to one run: an open handle on its file ".lock" that no other process, and no other run of this one, can open too.</summary>
/// <remarks>The system lets go of the handle however the process ends. The empty file stays: deleting it would let two runs hold different files of that name.</remarks>
public sealed class RunLock : IDisposable
{
    /// <summary>Name of the file in the run folder.</summary>
    public const string FileName = ".lock";

    /// <summary>errno EAGAIN of Linux, and ERROR_SHARING_VIOLATION as an HRESULT: what .NET reports for a file held by another handle.</summary>
    private static readonly int[] HeldByAnother = [11, unchecked((int)0x80070020)];

    private readonly FileStream _handle;

    private RunLock(FileStream handle) => _handle = handle;

    /// <summary>Takes the folder, which is made where it is missing.</summary>
    /// <param name="folder">The run folder.</param>
    /// <exception cref="RunFolderInUseException">Another run has it.</exception>
    /// <exception cref="InputException">It cannot be written.</exception>
    public static RunLock Acquire(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new(new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException failure) when (HeldByAnother.Contains(failure.HResult))
        {
            throw new RunFolderInUseException(folder, failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: the output folder cannot be written ({failure.Message}). Choose a folder you may write to with --out.", failure);
        }
    }

    /// <summary>Lets go of the folder.</summary>
    public void Dispose() => _handle.Dispose();
}
