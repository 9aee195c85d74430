using System.Buffers;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Pique.Formats.Gguf;

/// <summary>A GGUF file, mapped into memory for reading. The header is proved consistent on opening, before anything its numbers ask for is allocated; values are read on demand.</summary>
/// <remarks>Versions 2 and 3, little-endian. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md</remarks>
public sealed class GgufFile : IDisposable
{
    private const int BufferBytes = 1 << 18;

    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly Dictionary<string, GgufTensor> _byName;

    private GgufFile(string path, long fileBytes, MemoryMappedFile map, MemoryMappedViewAccessor view, bool requireWhole)
    {
        GgufHeader header = GgufHeader.Read(path, view.SafeMemoryMappedViewHandle, fileBytes);
        if (requireWhole)
            header.RequireWhole(path, fileBytes);
        Path = path;
        FileBytes = fileBytes;
        Version = header.Version;
        Alignment = header.Alignment;
        Metadata = header.Metadata;
        Tensors = header.Tensors;
        HeaderBytes = header.ByteCount;
        _map = map;
        _view = view;
        _byName = header.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>The file's path as given.</summary>
    public string Path { get; }

    /// <summary>Length of the file.</summary>
    public long FileBytes { get; }

    /// <summary>Version of the format: 2 or 3.</summary>
    public int Version { get; }

    /// <summary>Bytes that the data section and every tensor start at a multiple of.</summary>
    public int Alignment { get; }

    /// <summary>The key-value pairs.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>All tensors, in the order of their bytes.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Bytes ahead of the data section, padding included.</summary>
    public long HeaderBytes { get; }

    /// <summary>A tensor by name.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <exception cref="InputException">The file has no such tensor.</exception>
    public GgufTensor this[string name] => _byName.GetValueOrDefault(name)
        ?? throw new InputException($"{Path}: has no tensor \"{MessageText.Name(name)}\"; check that the file is the right one");

    /// <summary>Opens a file and checks its whole header.</summary>
    /// <param name="path">File to read.</param>
    /// <exception cref="InputException">The file is missing, unreadable, truncated or contradicts itself.</exception>
    public static GgufFile Open(string path) => Open(path, requireWhole: true);

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">File to read.</param>
    /// <param name="requireWhole">False to open a file that was cut short or has bytes to spare, in order to say what is wrong with it.</param>
    /// <exception cref="InputException">The file is missing, unreadable or contradicts itself.</exception>
    internal static GgufFile Open(string path, bool requireWhole)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using SafeFileHandle handle = InputFile.Open(path);
        long fileBytes = InputFile.LengthOf(handle, path);
        if (fileBytes == 0)
            throw new InputException($"{path}: is empty, expected a GGUF file; fetch it again");

        (MemoryMappedFile map, MemoryMappedViewAccessor view) = Map(path, handle, fileBytes);
        try
        {
            return new GgufFile(path, fileBytes, map, view, requireWhole);
        }
        catch
        {
            view.Dispose();
            map.Dispose();
            throw;
        }
    }

    /// <summary>Whether the file has a tensor.</summary>
    /// <param name="name">Name of the tensor.</param>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>Reads bytes of a tensor as stored.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="firstByte">Index of the first byte to read.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="InputException">There is no such tensor.</exception>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        GgufTensor tensor = this[name];
        ArgumentOutOfRangeException.ThrowIfNegative(firstByte);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, tensor.ByteCount - firstByte, nameof(destination));
        ReadFileBytes(tensor.Offset + firstByte, destination);
    }

    /// <summary>Reads elements of a tensor of any type as float32, exactly as ggml dequantizes them.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="firstElement">Index of the first element to read, in row-major order; it need not begin a block.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="InputException">There is no such tensor.</exception>
    public void ReadFloat32(string name, long firstElement, Span<float> destination)
    {
        GgufTensor tensor = this[name];
        ArgumentOutOfRangeException.ThrowIfNegative(firstElement);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, tensor.ElementCount - firstElement, nameof(destination));

        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            ReadBlocks(tensor, firstElement, destination, buffer.AsSpan(0, BufferBytes));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Reads bytes of the file, wherever they are.</summary>
    /// <param name="firstByte">Index of the first byte to read.</param>
    /// <param name="destination">Filled completely; must lie within the file.</param>
    internal void ReadFileBytes(long firstByte, Span<byte> destination) =>
        _view.SafeMemoryMappedViewHandle.ReadSpan((ulong)firstByte, destination);

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }

    private static (MemoryMappedFile Map, MemoryMappedViewAccessor View) Map(string path, SafeFileHandle handle, long fileBytes)
    {
        MemoryMappedFile? map = null;
        try
        {
            map = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            return (map, map.CreateViewAccessor(0, fileBytes, MemoryMappedFileAccess.Read));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            map?.Dispose();
            throw new InputException($"{path}: cannot be mapped into memory ({failure.Message}); check its permissions and the disk", failure);
        }
    }

    private void ReadBlocks(GgufTensor tensor, long firstElement, Span<float> destination, Span<byte> buffer)
    {
        int weights = tensor.Type.BlockWeights();
        int bytes = tensor.Type.BlockBytes();
        Span<float> single = stackalloc float[weights];
        (long block, long skipped) = Math.DivRem(firstElement, weights);
        while (!destination.IsEmpty)
        {
            int wholeBlocks = skipped > 0 ? 0 : Math.Min(destination.Length / weights, buffer.Length / bytes);
            Span<byte> stored = buffer[..(Math.Max(wholeBlocks, 1) * bytes)];
            ReadFileBytes(tensor.Offset + (block * bytes), stored);
            int read;
            if (wholeBlocks > 0)
            {
                read = wholeBlocks * weights;
                GgufBlocks.Dequantize(tensor.Type, stored, destination[..read]);
            }
            else
            {
                GgufBlocks.Dequantize(tensor.Type, stored, single);
                read = (int)Math.Min(weights - skipped, destination.Length);
                single.Slice((int)skipped, read).CopyTo(destination);
            }

            block += Math.Max(wholeBlocks, 1);
            skipped = 0;
            destination = destination[read..];
        }
    }
}
