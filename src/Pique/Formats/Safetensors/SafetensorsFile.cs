using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pique.Formats.Safetensors;

/// <summary>A safetensors file, opened for reading. The header is proved consistent on opening, before anything its numbers ask for is allocated; values are read on demand.</summary>
/// <remarks>Layout: 8 bytes little-endian header length, JSON header, data. https://huggingface.co/docs/safetensors</remarks>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>Largest header accepted, the limit of the reference implementation.</summary>
    public const long MaxHeaderBytes = 100_000_000;

    internal const int LengthBytes = 8;

    private const int BufferElements = 1 << 15;

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, SafetensorsTensor> _byName;

    private SafetensorsFile(SafeFileHandle handle, SafetensorsHeader header, long dataStart, long fileBytes)
    {
        _handle = handle;
        Path = header.Path;
        DataStart = dataStart;
        FileBytes = fileBytes;
        Tensors = header.Tensors;
        Metadata = SafetensorsDigests.Without(header.Metadata);
        AllMetadata = header.Metadata;
        _byName = header.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>The file's path as given.</summary>
    public string Path { get; }

    /// <summary>All tensors, in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>The "__metadata__" of the file without the digests that <see cref="SafetensorsWriter"/> records; empty where absent.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>All of "__metadata__".</summary>
    internal IReadOnlyDictionary<string, string> AllMetadata { get; }

    /// <summary>Length of the file.</summary>
    internal long FileBytes { get; }

    /// <summary>Bytes ahead of the data.</summary>
    internal long DataStart { get; }

    /// <summary>Opens a file and checks its whole header.</summary>
    /// <param name="path">File to read.</param>
    /// <exception cref="InputException">The file is missing, unreadable, truncated or contradicts itself.</exception>
    public static SafetensorsFile Open(string path) => Open(path, new HeaderMemory());

    /// <summary>Opens one of the files of a model.</summary>
    /// <param name="path">File to read.</param>
    /// <param name="memory">Counts what the headers of all of them take.</param>
    /// <param name="requireWhole">False to open a file that was cut short or has bytes to spare, in order to say what is wrong with it.</param>
    /// <exception cref="InputException">The file is missing, unreadable, truncated or contradicts itself.</exception>
    internal static SafetensorsFile Open(string path, HeaderMemory memory, bool requireWhole = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        SafeFileHandle handle = InputFile.Open(path);
        try
        {
            long fileBytes = InputFile.LengthOf(handle, path);
            if (fileBytes < LengthBytes)
                throw new InputException($"{path}: has {fileBytes} bytes, a safetensors file has at least {LengthBytes}; fetch it again");

            Span<byte> lengthField = stackalloc byte[LengthBytes];
            InputFile.ReadExactly(handle, path, 0, lengthField);
            ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(lengthField);
            if (headerBytes > MaxHeaderBytes)
                throw new InputException($"{path}: the safetensors header claims {headerBytes} bytes, at most {MaxHeaderBytes} are allowed; the file is damaged or of another format");
            if ((long)headerBytes > fileBytes - LengthBytes)
                throw new InputException($"{path}: the safetensors header claims {headerBytes} bytes, the file has {fileBytes - LengthBytes} after the length field; it was cut short, fetch it again");

            if (!memory.TryTake((long)headerBytes))
                throw new InputException($"{path}: the headers of the model take more than {HeaderMemory.MostBytes >> 20} MiB of memory; no model needs that much, the file is damaged or made to exhaust memory");
            byte[] json = new byte[headerBytes];
            InputFile.ReadExactly(handle, path, LengthBytes, json);
            long dataStart = LengthBytes + (long)headerBytes;
            SafetensorsHeader header = SafetensorsHeader.Parse(json, path, memory);
            if (requireWhole)
                header.RequireWhole(fileBytes - dataStart);
            return new SafetensorsFile(handle, header, dataStart, fileBytes);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Finds a tensor by name; null where the file has none of that name.</summary>
    /// <param name="name">Name of the tensor.</param>
    public SafetensorsTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>A tensor by name.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <exception cref="InputException">The file has no such tensor.</exception>
    public SafetensorsTensor this[string name] => Find(name)
        ?? throw new InputException($"{Path}: has no tensor \"{MessageText.Name(name)}\"; check that the file is the right one");

    /// <summary>Reads a tensor's bytes as stored.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <exception cref="InputException">There is no such tensor, it exceeds an array's limit, or the file is cut short.</exception>
    public byte[] ReadBytes(string name)
    {
        SafetensorsTensor tensor = this[name];
        if (tensor.StoredBytes > Array.MaxLength)
            throw new InputException($"{Path}: tensor \"{name}\" has {tensor.StoredBytes} bytes, at most {Array.MaxLength} can be read at once; split it");

        byte[] content = new byte[tensor.StoredBytes];
        ReadFileBytes(DataStart + tensor.Begin, content);
        return content;
    }

    /// <summary>Reads elements of an F32, F16 or BF16 tensor as float32, which is exact.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="firstElement">Index of the first element to read, in row-major order.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="InputException">There is no such tensor, it is of another dtype, or the file is cut short.</exception>
    public void ReadFloat32(string name, long firstElement, Span<float> destination)
    {
        SafetensorsTensor tensor = this[name];
        ArgumentOutOfRangeException.ThrowIfNegative(firstElement);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, tensor.ElementCount - firstElement, nameof(destination));
        long offset = DataStart + tensor.Begin + (firstElement * tensor.Dtype.ElementBytes());
        switch (tensor.Dtype)
        {
            case SafetensorsDtype.F32:
                InputFile.ReadExactly(_handle, Path, offset, MemoryMarshal.AsBytes(destination));
                break;
            case SafetensorsDtype.F16 or SafetensorsDtype.BF16:
                ReadWidened(tensor.Dtype, offset, destination);
                break;
            default:
                throw new InputException($"{Path}: tensor \"{name}\" is {tensor.Dtype.FormatName()}, expected F32, F16 or BF16; export the model in one of these");
        }
    }

    /// <summary>Reads elements of an I32 tensor.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="firstElement">Index of the first element to read, in row-major order.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="InputException">There is no such tensor, it is of another dtype, or the file is cut short.</exception>
    public void ReadInt32(string name, long firstElement, Span<int> destination)
    {
        SafetensorsTensor tensor = this[name];
        if (tensor.Dtype != SafetensorsDtype.I32)
            throw new InputException($"{Path}: tensor \"{name}\" is {tensor.Dtype.FormatName()}, expected I32; check that the file is the right one");
        ArgumentOutOfRangeException.ThrowIfNegative(firstElement);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, tensor.ElementCount - firstElement, nameof(destination));
        InputFile.ReadExactly(_handle, Path, DataStart + tensor.Begin + (firstElement * sizeof(int)), MemoryMarshal.AsBytes(destination));
    }

    /// <summary>Reads a whole F32, F16 or BF16 tensor as float32, which is exact.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <returns>The values in row-major order.</returns>
    /// <exception cref="InputException">As <see cref="ReadFloat32(string, long, Span{float})"/>.</exception>
    public float[] ReadFloat32(string name)
    {
        long elementCount = this[name].ElementCount;
        if (elementCount > Array.MaxLength)
            throw new InputException($"{Path}: tensor \"{name}\" has {elementCount} elements, at most {Array.MaxLength} can be read at once; read it in parts");

        float[] values = new float[elementCount];
        ReadFloat32(name, 0, values);
        return values;
    }

    /// <summary>Reads bytes of the file, wherever they are.</summary>
    /// <param name="firstByte">Index of the first byte to read.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="InputException">The file is cut short.</exception>
    internal void ReadFileBytes(long firstByte, Span<byte> destination) => InputFile.ReadExactly(_handle, Path, firstByte, destination);

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private void ReadWidened(SafetensorsDtype dtype, long offset, Span<float> destination)
    {
        ushort[] buffer = ArrayPool<ushort>.Shared.Rent(BufferElements);
        try
        {
            while (!destination.IsEmpty)
            {
                Span<ushort> part = buffer.AsSpan(0, Math.Min(BufferElements, destination.Length));
                InputFile.ReadExactly(_handle, Path, offset, MemoryMarshal.AsBytes(part));
                if (dtype == SafetensorsDtype.BF16)
                    FloatConversion.WidenBFloat16(part, destination);
                else
                    FloatConversion.WidenHalf(MemoryMarshal.Cast<ushort, Half>(part), destination);
                offset += part.Length * sizeof(ushort);
                destination = destination[part.Length..];
            }
        }
        finally
        {
            ArrayPool<ushort>.Shared.Return(buffer);
        }
    }
}
