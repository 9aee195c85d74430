namespace Pique.Formats;

/// <summary>A file that one handle alone has open: no other process, and no other part of this one, gets it meanwhile.</summary>
/// <remarks>The system lets go of the handle however the process ends. The empty file stays: deleting it would let two hold different files of that name.</remarks>
internal sealed class FileLock : IDisposable
{
    /// <summary>errno EAGAIN of Linux, and ERROR_SHARING_VIOLATION as an HRESULT: what .NET reports for a file held by another handle.</summary>
    private static readonly int[] HeldByAnother = [11, unchecked((int)0x80070020)];

    private readonly FileStream _handle;

    private FileLock(FileStream handle) => _handle = handle;

    /// <summary>Takes a file, which is made where it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="held">Makes the error where another has it, of what the system said.</param>
    /// <exception cref="IOException">It cannot be made or opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static FileLock Acquire(string path, Func<IOException, InputException> held)
    {
        try
        {
            return new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException failure) when (HeldByAnother.Contains(failure.HResult))
        {
            throw held(failure);
        }
    }

    /// <summary>Lets go of the file.</summary>
    public void Dispose() => _handle.Dispose();
}
