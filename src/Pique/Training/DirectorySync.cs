using System.Runtime.InteropServices;

namespace Pique.Training;

/// <summary>Forces a folder's entries to the disk, so that a rename inside it survives a power cut. Only POSIX systems need and offer it.</summary>
internal static partial class DirectorySync
{
    private const int ReadOnly = 0;

    /// <summary>What file systems say that have nothing to flush for a folder: errno EINVAL and ENOTSUP.</summary>
    private static readonly int[] NothingToFlush = [22, 95];

    /// <summary>Flushes one folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="RunFailedException">The system refuses.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Open(folder, ReadOnly);
        if (descriptor < 0)
        {
            throw Failure(folder);
        }

        try
        {
            if (Synchronize(descriptor) != 0 && !NothingToFlush.Contains(Marshal.GetLastPInvokeError()))
            {
                throw Failure(folder);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static RunFailedException Failure(string folder) =>
        new($"{folder}: cannot be flushed to the disk ({Marshal.GetLastPInvokeErrorMessage()}); check the disk.");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Synchronize(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
