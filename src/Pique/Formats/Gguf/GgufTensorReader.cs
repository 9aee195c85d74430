namespace Pique.Formats.Gguf;

/// <summary>Reads the tensor descriptions of a header and proves that the tensors lie one after another in the file.</summary>
internal static class GgufTensorReader
{
    private const int TensorOverheadBytes = 320;

    /// <summary>Reads all descriptions.</summary>
    /// <param name="cursor">At the first description.</param>
    /// <param name="tensorCount">Number of tensors.</param>
    /// <param name="alignment">Alignment of the file.</param>
    /// <returns>Tensors in the order of their bytes; the file may yet end before they do.</returns>
    /// <exception cref="InputException">Any fault, with file and tensor.</exception>
    public static IReadOnlyList<GgufTensor> Read(GgufCursor cursor, int tensorCount, int alignment)
    {
        GgufTensor[] tensors = new GgufTensor[tensorCount];
        HashSet<string> names = new(StringComparer.Ordinal);
        for (int index = 0; index < tensorCount; index++)
        {
            cursor.Where = $"tensor {index + 1} of {tensorCount}";
            cursor.Reserve(TensorOverheadBytes);
            tensors[index] = ReadTensor(cursor);
            if (!names.Add(tensors[index].Name))
                throw cursor.Fault("is there twice, expected once; the file is damaged, fetch or export it again");
        }

        Place(cursor, tensors, GgufLimits.Align(cursor.Position, alignment), alignment);
        return tensors;
    }

    /// <summary>A description; the offset is still counted from the data section.</summary>
    private static GgufTensor ReadTensor(GgufCursor cursor)
    {
        string name = cursor.ReadText(GgufLimits.MaxTensorNameBytes, "the name");
        cursor.Where = Where(name);
        if (TensorNameRules.FaultOf(name) is { } fault)
            throw cursor.Fault($"the name {fault}; the file is damaged or made to do harm");

        long[] shape = ReadShape(cursor);
        uint typeNumber = cursor.Read<uint>();
        GgufTensorType type = (GgufTensorType)typeNumber;
        if (!Enum.IsDefined(type))
            throw cursor.Fault($"is of ggml type {typeNumber}, Pique reads {GgufTensorTypes.AllNames}; convert the model to one of these");
        if (shape[^1] % type.BlockWeights() != 0)
            throw cursor.Fault($"rows of {shape[^1]} weights are no multiple of the {type.BlockWeights()} of a {type.Name()} block; the file is damaged, fetch or export it again");

        ulong offset = cursor.Read<ulong>();
        if (offset > long.MaxValue)
            throw cursor.Fault($"begins at byte {offset} of the data, expected at most {long.MaxValue}; the file is damaged, fetch or export it again");
        return new GgufTensor(name, shape, type, (long)offset, ByteCount(cursor, shape, type));
    }

    private static long[] ReadShape(GgufCursor cursor)
    {
        uint dimensions = cursor.Read<uint>();
        if (dimensions is 0 or > GgufLimits.MaxDimensions)
            throw cursor.Fault($"has {dimensions} dimensions, expected 1 to {GgufLimits.MaxDimensions}; the file is damaged, fetch or export it again");
        long[] shape = new long[dimensions];
        cursor.Fill<long>(shape);
        Array.Reverse(shape);
        return Array.TrueForAll(shape, size => size >= 1)
            ? shape
            : throw cursor.Fault($"has shape {Shapes.Format(shape)}, expected sizes from 1 to {long.MaxValue}; the file is damaged, fetch or export it again");
    }

    private static long ByteCount(GgufCursor cursor, long[] shape, GgufTensorType type)
    {
        try
        {
            return type.ByteCount(shape);
        }
        catch (OverflowException failure)
        {
            throw cursor.Fault($"shape {Shapes.Format(shape)} overflows: it asks for more than {long.MaxValue} elements or bytes; the file is damaged, fetch or export it again", failure);
        }
    }

    /// <summary>llama.cpp asks that tensors follow one another in the order of their descriptions, with padding to the alignment and nothing else between.</summary>
    private static void Place(GgufCursor cursor, GgufTensor[] tensors, long headerBytes, int alignment)
    {
        Int128 end = headerBytes;
        for (int index = 0; index < tensors.Length; index++)
        {
            GgufTensor tensor = tensors[index];
            cursor.Where = Where(tensor.Name);
            if (tensor.Offset % alignment != 0)
                throw cursor.Fault($"begins at byte {tensor.Offset} of the data, expected a multiple of the alignment {alignment}; the file is damaged, fetch or export it again");
            if (tensor.Offset != end - headerBytes)
                throw cursor.Fault($"begins at byte {tensor.Offset} of the data, expected {end - headerBytes}, where the tensor before it ends: tensors neither overlap nor leave holes; the file is damaged, fetch or export it again");
            Int128 tensorEnd = end + tensor.ByteCount;
            if (tensorEnd > long.MaxValue)
                throw cursor.Fault($"ends at byte {tensorEnd}, expected at most {long.MaxValue}; the file is damaged, fetch or export it again");
            tensors[index] = tensor with { Offset = (long)end };
            end = (tensorEnd + alignment - 1) & -(Int128)alignment;
        }
    }

    private static string Where(string name) => $"tensor \"{MessageText.Name(name)}\"";
}
