using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Pique.Formats.Gguf;

/// <summary>Reads a header from front to back. Whatever it claims is held against the bytes that are left before anything is allocated for it.</summary>
internal sealed class GgufCursor
{
    private const int StackBytes = 256;
    private const int StringOverheadBytes = 32;

    private readonly SafeBuffer _file;
    private readonly long _fileBytes;
    private readonly HeaderMemory _memory = new();

    /// <summary>Starts at the first byte.</summary>
    /// <param name="path">File, for messages.</param>
    /// <param name="file">Its mapped content.</param>
    /// <param name="fileBytes">Its length.</param>
    public GgufCursor(string path, SafeBuffer file, long fileBytes)
    {
        Path = path;
        _file = file;
        _fileBytes = fileBytes;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The next byte to read.</summary>
    public long Position { get; private set; }

    /// <summary>What is being read, for messages: "header", a key or a tensor.</summary>
    public string Where { get; set; } = "header";

    /// <summary>Counts memory about to be taken.</summary>
    /// <exception cref="InputException">The header asks for more than <see cref="HeaderMemory.MostBytes"/> in all.</exception>
    public void Reserve(long bytes)
    {
        if (!_memory.TryTake(bytes))
            throw Fault($"the header takes more than {HeaderMemory.MostBytes >> 20} MiB of memory up to here; no model needs that much, the file is damaged or made to exhaust memory");
    }

    /// <summary>Reads a number.</summary>
    public T Read<T>() where T : unmanaged
    {
        Unsafe.SkipInit(out T value);
        Fill(new Span<T>(ref value));
        return value;
    }

    /// <summary>Reads numbers, little-endian as they are stored.</summary>
    public void Fill<T>(Span<T> destination) where T : unmanaged
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(destination);
        if (bytes.Length > _fileBytes - Position)
            throw Fault($"ends at byte {_fileBytes}, {bytes.Length} bytes are still to come at {Position}; the file was cut short, fetch it again");
        _file.ReadSpan((ulong)Position, bytes);
        Position += bytes.Length;
    }

    /// <summary>Reads a count and proves that so many items can still follow.</summary>
    /// <param name="leastItemBytes">Least bytes an item takes.</param>
    /// <param name="items">What is counted, for messages.</param>
    public int ReadCount(int leastItemBytes, string items)
    {
        ulong claimed = Read<ulong>();
        long left = _fileBytes - Position;
        if (claimed > (ulong)(left / leastItemBytes) || claimed > (ulong)Array.MaxLength)
            throw Fault($"claims {claimed} {items} of at least {leastItemBytes} {(leastItemBytes == 1 ? "byte" : "bytes")} each, the file has {left} bytes left; it is damaged or was cut short, fetch it again");
        return (int)claimed;
    }

    /// <summary>Reads a string: its length, then UTF-8.</summary>
    /// <param name="mostBytes">Longest text allowed; a longer one is not read at all.</param>
    /// <param name="what">What the text is, for messages.</param>
    public string ReadText(int mostBytes = int.MaxValue, string what = "the text")
    {
        int byteCount = ReadCount(1, "text bytes");
        if (byteCount > mostBytes)
            throw Fault($"{what} has {byteCount} bytes, at most {mostBytes} are allowed; the file is damaged, fetch or export it again");
        Reserve((3L * byteCount) + StringOverheadBytes);
        byte[]? rented = byteCount > StackBytes ? ArrayPool<byte>.Shared.Rent(byteCount) : null;
        try
        {
            Span<byte> bytes = rented is null ? stackalloc byte[StackBytes] : rented;
            bytes = bytes[..byteCount];
            Fill(bytes);
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException failure)
        {
            throw Fault("has text that is no valid UTF-8; the file is damaged, fetch or export it again", failure);
        }
        finally
        {
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Makes the error for what is being read.</summary>
    public InputException Fault(string fault, Exception? cause = null) => new($"{Path}: {Where}: {fault}", cause);
}
