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
    private readonly long _dataStart;
    private readonly Dictionary<string, SafetensorsTensor> _byName;

    private SafetensorsFile(string path, SafeFileHandle handle, long dataStart, IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Path = path;
        _handle = handle;
        _dataStart = dataStart;
        Tensors = tensors;
        Metadata = metadata;
        _byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>The file's path as given.</summary>
    public string Path { get; }

    /// <summary>All tensors, in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>The "__metadata__" of the file; empty where absent.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its whole header.</summary>
    /// <param name="path">File to read.</param>
    /// <exception cref="InputException">The file is missing, unreadable, truncated or contradicts itself.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        SafeFileHandle handle = InputFile.Open(path);
        try
        {
            long fileBytes = RandomAccess.GetLength(handle);
            if (fileBytes < LengthBytes)
                throw new InputException($"{path}: has {fileBytes} bytes, a safetensors file has at least {LengthBytes}; fetch it again");

            Span<byte> lengthField = stackalloc byte[LengthBytes];
            InputFile.ReadExactly(handle, path, 0, lengthField);
            ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(lengthField);
            if (headerBytes > MaxHeaderBytes)
                throw new InputException($"{path}: the safetensors header claims {headerBytes} bytes, at most {MaxHeaderBytes} are allowed; the file is damaged or of another format");
            if ((long)headerBytes > fileBytes - LengthBytes)
                throw new InputException($"{path}: the safetensors header claims {headerBytes} bytes, the file has {fileBytes - LengthBytes} after the length field; it was cut short, fetch it again");

            byte[] header = new byte[headerBytes];
            InputFile.ReadExactly(handle, path, LengthBytes, header);
            long dataStart = LengthBytes + (long)headerBytes;
            (IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string> metadata) = SafetensorsHeader.Parse(header, path, fileBytes - dataStart);
            return new SafetensorsFile(path, handle, dataStart, tensors, metadata);
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
        ?? throw new InputException($"{Path}: has no tensor \"{name}\"; check that the file is the right one");

    /// <summary>Reads a tensor's bytes as stored.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <exception cref="InputException">There is no such tensor, it exceeds an array's limit, or the file is cut short.</exception>
    public byte[] ReadBytes(string name)
    {
        SafetensorsTensor tensor = this[name];
        if (tensor.StoredBytes > Array.MaxLength)
            throw new InputException($"{Path}: tensor \"{name}\" has {tensor.StoredBytes} bytes, at most {Array.MaxLength} can be read at once; split it");

        byte[] content = new byte[tensor.StoredBytes];
        InputFile.ReadExactly(_handle, Path, _dataStart + tensor.Begin, content);
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
        long offset = _dataStart + tensor.Begin + (firstElement * tensor.Dtype.ElementBytes());
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
        InputFile.ReadExactly(_handle, Path, _dataStart + tensor.Begin + (firstElement * sizeof(int)), MemoryMarshal.AsBytes(destination));
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
