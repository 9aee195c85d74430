using Microsoft.Win32.SafeHandles;

namespace Pique.Formats;

/// <summary>Opens and reads input files, turning every failure into an <see cref="InputException"/> that names the file.</summary>
internal static class InputFile
{
    /// <summary>Opens a file for positioned reads.</summary>
    /// <param name="path">File to read.</param>
    /// <exception cref="InputException">The file is missing, a folder, or not readable.</exception>
    public static SafeFileHandle Open(string path)
    {
        if (Directory.Exists(path))
            throw new InputException($"{path}: is a folder where a file was expected; name a file");

        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.RandomAccess);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: no such file; check the path", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read ({failure.Message}); check its permissions", failure);
        }
    }

    /// <summary>Length of a file.</summary>
    /// <param name="handle">Open file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <exception cref="InputException">It is a pipe or another thing without a length.</exception>
    public static long LengthOf(SafeFileHandle handle, string path)
    {
        try
        {
            return RandomAccess.GetLength(handle);
        }
        catch (NotSupportedException failure)
        {
            throw new InputException($"{path}: is a pipe or a device, expected a file; name one", failure);
        }
    }

    /// <summary>Fills a span from a position of the file.</summary>
    /// <param name="handle">Open file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="offset">Byte to begin at.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="InputException">The file ends before the span is full, or cannot be read.</exception>
    public static void ReadExactly(SafeFileHandle handle, string path, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int read = ReadSome(handle, path, offset, destination);
            if (read == 0)
                throw new InputException($"{path}: ends at byte {offset} with {destination.Length} bytes still to come; the file was cut short, fetch it again");
            offset += read;
            destination = destination[read..];
        }
    }

    /// <summary>Reads a whole file that is meant to be small.</summary>
    /// <param name="path">File to read.</param>
    /// <param name="maxBytes">Largest size accepted, checked before anything is allocated.</param>
    /// <exception cref="InputException">The file is missing, unreadable or larger than <paramref name="maxBytes"/>.</exception>
    public static byte[] ReadAllBytes(string path, long maxBytes)
    {
        using SafeFileHandle handle = Open(path);
        long fileBytes = LengthOf(handle, path);
        if (fileBytes > maxBytes)
            throw new InputException($"{path}: has {fileBytes} bytes, at most {maxBytes} are expected of such a file; check that it is the right one");

        byte[] content = new byte[fileBytes];
        ReadExactly(handle, path, 0, content);
        return content;
    }

    private static int ReadSome(SafeFileHandle handle, string path, long offset, Span<byte> destination)
    {
        try
        {
            return RandomAccess.Read(handle, destination, offset);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read ({failure.Message}); check its permissions and the disk", failure);
        }
    }
}
