using System.Globalization;
using System.Text.Json;

namespace Pique.Formats.Safetensors;

/// <summary>Parses the JSON header of a safetensors file and proves it consistent: every tensor's bytes are its shape's, and together they cover the data exactly.</summary>
internal static class SafetensorsHeader
{
    internal const string MetadataKey = "__metadata__";

    /// <summary>An object of objects of arrays of numbers: three levels. One more, so that the fault is ours to word.</summary>
    private const int MaxDepth = 4;

    /// <summary>Parses and checks a header.</summary>
    /// <param name="json">Header bytes, padding included.</param>
    /// <param name="path">File, for messages.</param>
    /// <param name="dataBytes">Bytes of the file after the header.</param>
    /// <returns>Tensors in the order of their bytes, and the metadata.</returns>
    /// <exception cref="InputException">Any fault, with file and tensor.</exception>
    public static (IReadOnlyList<SafetensorsTensor> Tensors, IReadOnlyDictionary<string, string> Metadata) Parse(
        ReadOnlyMemory<byte> json, string path, long dataBytes)
    {
        if (json.IsEmpty || json.Span[0] != (byte)'{')
            throw new InputException($"{path}: the safetensors header does not begin with '{{'; the file is damaged or of another format");

        List<SafetensorsTensor> tensors = [];
        Dictionary<string, string> metadata = [];
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (property.NameEquals(MetadataKey))
                    ReadMetadata(property.Value, path, metadata);
                else
                    tensors.Add(ReadTensor(property, path, dataBytes));
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // InvalidOperationException is what JsonElement raises for text that is no valid UTF-16 once unescaped.
            throw new InputException($"{path}: the safetensors header is no valid JSON ({failure.Message}); fetch or export the file again", failure);
        }

        CheckCoverage(tensors, path, dataBytes);
        return (tensors, metadata);
    }

    private static void ReadMetadata(JsonElement element, string path, Dictionary<string, string> metadata)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new InputException($"{path}: {MetadataKey} is {Kind(element)}, expected an object of strings; export the file again");

        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
                throw new InputException($"{path}: {MetadataKey}.{property.Name} is {Kind(property.Value)}, expected a string; export the file again");
            metadata.Add(property.Name, property.Value.GetString()!);
        }
    }

    private static SafetensorsTensor ReadTensor(JsonProperty property, string path, long dataBytes)
    {
        string name = property.Name;
        if (property.Value.ValueKind != JsonValueKind.Object)
            throw Fault(path, name, $"is described by {Kind(property.Value)}, expected an object with dtype, shape and data_offsets");

        string? dtypeName = null;
        long[]? shape = null;
        long[]? offsets = null;
        foreach (JsonProperty field in property.Value.EnumerateObject())
        {
            switch (field.Name)
            {
                case "dtype" when field.Value.ValueKind == JsonValueKind.String:
                    dtypeName = field.Value.GetString()!;
                    break;
                case "dtype":
                    throw Fault(path, name, $"dtype is {Kind(field.Value)}, expected a string");
                case "shape":
                    shape = ReadNumbers(field.Value, path, name, "shape");
                    break;
                case "data_offsets":
                    offsets = ReadNumbers(field.Value, path, name, "data_offsets");
                    break;
                default:
                    throw Fault(path, name, $"has an unknown field \"{field.Name}\", expected dtype, shape and data_offsets");
            }
        }

        if (dtypeName is null || shape is null || offsets is null)
            throw Fault(path, name, $"lacks {(dtypeName is null ? "dtype" : shape is null ? "shape" : "data_offsets")}");
        if (!SafetensorsDtypes.TryParse(dtypeName, out SafetensorsDtype dtype))
            throw Fault(path, name, $"dtype \"{dtypeName}\" is unknown, expected one of {string.Join(", ", Enum.GetValues<SafetensorsDtype>().Select(SafetensorsDtypes.FormatName))}");

        CheckOffsets(path, name, dtype, shape, offsets, dataBytes);
        return new SafetensorsTensor(name, dtype, shape, offsets[0], offsets[1]);
    }

    private static long[] ReadNumbers(JsonElement element, string path, string name, string field)
    {
        if (element.ValueKind != JsonValueKind.Array)
            throw Fault(path, name, $"{field} is {Kind(element)}, expected an array of whole numbers");

        long[] numbers = new long[element.GetArrayLength()];
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out long number) || number < 0)
                throw Fault(path, name, $"{field}[{index}] is {(item.ValueKind == JsonValueKind.Number ? item.GetRawText() : Kind(item))}, expected a whole number from 0 to {long.MaxValue}");
            numbers[index++] = number;
        }

        return numbers;
    }

    private static void CheckOffsets(string path, string name, SafetensorsDtype dtype, long[] shape, long[] offsets, long dataBytes)
    {
        if (offsets.Length != 2)
            throw Fault(path, name, $"data_offsets has {offsets.Length} numbers, expected 2");
        if (offsets[0] > offsets[1])
            throw Fault(path, name, $"data_offsets [{offsets[0]}, {offsets[1]}] end before they begin");
        if (offsets[1] > dataBytes)
            throw Fault(path, name, $"data_offsets [{offsets[0]}, {offsets[1]}] reach past the file's {dataBytes} bytes of data");

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
    }

    /// <summary>The format asks that tensors follow one another without hole or overlap from the first byte of the data to the last.</summary>
    private static void CheckCoverage(List<SafetensorsTensor> tensors, string path, long dataBytes)
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

        if (covered != dataBytes)
            throw new InputException($"{path}: the tensors cover {covered} bytes of data, the file has {dataBytes}; fetch or export the file again");
    }

    private static string Kind(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };

    private static InputException Fault(string path, string tensor, string fault) =>
        new($"{path}: tensor \"{tensor}\" {fault}; fetch or export the file again");
}
