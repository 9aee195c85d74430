using System.Globalization;
using System.Text.Json;

namespace Pique.Formats.Safetensors;

/// <summary>The JSON header of a safetensors file, proved consistent with itself: every tensor's bytes are its shape's, and together they cover the data without hole or overlap.</summary>
/// <param name="Path">File, for messages.</param>
/// <param name="Tensors">Tensors in the order of their bytes.</param>
/// <param name="Metadata">All strings of "__metadata__", digests among them.</param>
internal sealed record SafetensorsHeader(string Path, IReadOnlyList<SafetensorsTensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    internal const string MetadataKey = "__metadata__";

    /// <summary>Bytes of data that the tensors cover.</summary>
    public long DataBytes => Tensors.Count == 0 ? 0 : Tensors[^1].End;

    /// <summary>Parses and checks a header.</summary>
    /// <param name="json">Header bytes, padding included.</param>
    /// <param name="path">File, for messages.</param>
    /// <param name="memory">Counts what is allocated.</param>
    /// <exception cref="InputException">Any fault, with file and tensor.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, string path, HeaderMemory memory)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
            throw new InputException($"{path}: the safetensors header does not begin with '{{'; the file is damaged or of another format");

        try
        {
            SafetensorsHeaderReader reader = new(json, path, memory);
            reader.Read();
            CheckOrder(reader.Tensors, path);
            return new SafetensorsHeader(path, reader.Tensors, reader.Metadata);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // InvalidOperationException is what the reader raises for text that is no valid Unicode once unescaped.
            throw new InputException($"{path}: the safetensors header is no valid JSON ({failure.Message}); fetch or export the file again", failure);
        }
    }

    /// <summary>Refuses a file that has more or less data than the tensors cover.</summary>
    /// <param name="dataBytes">Bytes of the file after the header.</param>
    /// <exception cref="InputException">The file was cut short, or has bytes that belong to nothing.</exception>
    public void RequireWhole(long dataBytes)
    {
        foreach (SafetensorsTensor tensor in Tensors)
        {
            if (tensor.End > dataBytes)
                throw Fault(Path, tensor.Name, $"data_offsets [{tensor.Begin}, {tensor.End}] reach past the file's {dataBytes} bytes of data");
        }

        if (DataBytes != dataBytes)
            throw new InputException($"{Path}: the tensors cover {DataBytes} bytes of data, the file has {dataBytes}; fetch or export the file again");
    }

    /// <summary>Makes the error for a tensor.</summary>
    public static InputException Fault(string path, string tensor, string fault) =>
        new($"{path}: tensor \"{MessageText.Name(tensor)}\" {fault}; fetch or export the file again");

    /// <summary>Makes a tensor of what the header says of it, once its bytes are found to be those of its shape.</summary>
    public static SafetensorsTensor Tensor(string path, string name, SafetensorsDtype dtype, long[] shape, long[] offsets)
    {
        if (offsets.Length != 2)
            throw Fault(path, name, $"data_offsets has {offsets.Length} numbers, expected 2");
        if (offsets[0] > offsets[1])
            throw Fault(path, name, $"data_offsets [{offsets[0]}, {offsets[1]}] end before they begin");

        // A zero anywhere makes the product zero, whatever the other sizes are.
        UInt128 expectedBytes = shape.Contains(0) ? 0 : (UInt128)dtype.ElementBytes();
        foreach (long size in shape)
        {
            expectedBytes *= (UInt128)size;
            if (expectedBytes > (UInt128)long.MaxValue)
                throw Fault(path, name, $"shape {Shapes.Format(shape)} overflows: it asks for more than {long.MaxValue} bytes");
        }

        long storedBytes = offsets[1] - offsets[0];
        if (expectedBytes != (UInt128)storedBytes)
        {
            throw Fault(path, name, string.Create(
                CultureInfo.InvariantCulture,
                $"data_offsets [{offsets[0]}, {offsets[1]}] span {storedBytes} bytes, expected {expectedBytes} for {dtype.FormatName()} of shape {Shapes.Format(shape)}"));
        }

        return new SafetensorsTensor(name, dtype, shape, offsets[0], offsets[1]);
    }

    /// <summary>The format asks that tensors follow one another without hole or overlap from the first byte of the data.</summary>
    private static void CheckOrder(List<SafetensorsTensor> tensors, string path)
    {
        tensors.Sort(static (left, right) =>
            (left.Begin, left.End).CompareTo((right.Begin, right.End)) is var order && order != 0
                ? order
                : string.CompareOrdinal(left.Name, right.Name));

        long covered = 0;
        foreach (SafetensorsTensor tensor in tensors)
        {
            if (tensor.Begin < covered)
                throw Fault(path, tensor.Name, $"begins at byte {tensor.Begin} of the data, inside another tensor that ends at {covered}");
            if (tensor.Begin > covered)
                throw Fault(path, tensor.Name, $"begins at byte {tensor.Begin} of the data, expected {covered}: a hole of {tensor.Begin - covered} bytes that belong to no tensor");
            covered = tensor.End;
        }
    }
}
