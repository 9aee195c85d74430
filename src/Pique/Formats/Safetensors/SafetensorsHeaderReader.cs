using System.Text.Json;

namespace Pique.Formats.Safetensors;

/// <summary>Reads the JSON of a header token by token, so that nothing is allocated but what the header holds, and that is counted.</summary>
/// <remarks>JSON faults surface as <see cref="JsonException"/>, text that is no valid Unicode as <see cref="InvalidOperationException"/>.</remarks>
internal ref struct SafetensorsHeaderReader
{
    /// <summary>An object of objects of arrays of numbers: three levels. One more, so that the fault is ours to word.</summary>
    private const int MaxDepth = 4;

    private const int MaxTensors = 262_144;
    private const int MaxDimensions = 64;
    private const int TensorOverheadBytes = 512;
    private const int PairOverheadBytes = 192;

    private readonly string _path;
    private readonly HeaderMemory _memory;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private Utf8JsonReader _json;

    /// <summary>Begins at the first token.</summary>
    /// <param name="json">Header bytes.</param>
    /// <param name="path">File, for messages.</param>
    /// <param name="memory">Counts what is allocated.</param>
    public SafetensorsHeaderReader(ReadOnlySpan<byte> json, string path, HeaderMemory memory)
    {
        _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        _path = path;
        _memory = memory;
    }

    /// <summary>The tensors, in the order of the JSON.</summary>
    public List<SafetensorsTensor> Tensors { get; } = [];

    /// <summary>The strings of "__metadata__".</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads all of it.</summary>
    public void Read()
    {
        _json.Read();
        while (NextName() is { } name)
        {
            if (!_names.Add(name))
                throw SafetensorsHeader.Fault(_path, name, "is there twice, expected once");
            if (name == SafetensorsHeader.MetadataKey)
                ReadMetadata();
            else
                ReadTensor(name);
        }

        // What follows the object can only be white space: the reader raises an error for anything else.
        _json.Read();
    }

    private void ReadMetadata()
    {
        if (_json.TokenType != JsonTokenType.StartObject)
            throw new InputException($"{_path}: {SafetensorsHeader.MetadataKey} is {Kind()}, expected an object of strings; export the file again");
        while (NextName() is { } key)
        {
            Take(PairOverheadBytes);
            string where = $"{SafetensorsHeader.MetadataKey}.{MessageText.Name(key)}";
            if (_json.TokenType != JsonTokenType.String)
                throw new InputException($"{_path}: {where} is {Kind()}, expected a string; export the file again");
            if (!Metadata.TryAdd(key, Text()))
                throw new InputException($"{_path}: {where} is there twice, expected once; export the file again");
        }
    }

    private void ReadTensor(string name)
    {
        if (Tensors.Count == MaxTensors)
            throw new InputException($"{_path}: the safetensors header holds more than {MaxTensors} tensors, the most that are read; the file is damaged or made to exhaust memory");
        Take(TensorOverheadBytes);
        if (TensorNameRules.FaultOf(name) is { } fault)
            throw Fault(name, $"has a name that {fault}");
        if (_json.TokenType != JsonTokenType.StartObject)
            throw Fault(name, $"is described by {Kind()}, expected an object with dtype, shape and data_offsets");

        string? dtypeName = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (NextName() is { } field)
        {
            switch (field)
            {
                case "dtype" when dtypeName is null:
                    dtypeName = _json.TokenType == JsonTokenType.String ? Text() : throw Fault(name, $"dtype is {Kind()}, expected a string");
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(name, field);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(name, field);
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw Fault(name, $"has {field} twice, expected it once");
                default:
                    throw Fault(name, $"has an unknown field \"{MessageText.Name(field)}\", expected dtype, shape and data_offsets");
            }
        }

        if (dtypeName is null || shape is null || offsets is null)
            throw Fault(name, $"lacks {(dtypeName is null ? "dtype" : shape is null ? "shape" : "data_offsets")}");
        if (!SafetensorsDtypes.TryParse(dtypeName, out SafetensorsDtype dtype))
            throw Fault(name, $"dtype \"{MessageText.Name(dtypeName)}\" is unknown, expected one of {string.Join(", ", Enum.GetValues<SafetensorsDtype>().Select(SafetensorsDtypes.FormatName))}");
        Tensors.Add(SafetensorsHeader.Tensor(_path, name, dtype, shape, offsets));
    }

    private long[] ReadNumbers(string name, string field)
    {
        if (_json.TokenType != JsonTokenType.StartArray)
            throw Fault(name, $"{field} is {Kind()}, expected an array of whole numbers");

        Span<long> numbers = stackalloc long[MaxDimensions];
        int count = 0;
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (count == MaxDimensions)
                throw Fault(name, $"{field} has more than {MaxDimensions} numbers, the most that are read");
            if (_json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out numbers[count]) || numbers[count] < 0)
                throw Fault(name, $"{field}[{count}] is {(_json.TokenType == JsonTokenType.Number ? MessageText.Name(System.Text.Encoding.ASCII.GetString(_json.ValueSpan)) : Kind())}, expected a whole number from 0 to {long.MaxValue}");
            count++;
        }

        Take(sizeof(long) * count);
        return numbers[..count].ToArray();
    }

    /// <summary>Moves to the value of the object's next field.</summary>
    /// <returns>Name of the field; null at the end of the object.</returns>
    private string? NextName()
    {
        _json.Read();
        if (_json.TokenType != JsonTokenType.PropertyName)
            return null;
        string name = Text();
        _json.Read();
        return name;
    }

    private string Text()
    {
        Take(3L * _json.ValueSpan.Length);
        return _json.GetString()!;
    }

    private void Take(long bytes)
    {
        if (!_memory.TryTake(bytes))
            throw new InputException($"{_path}: the safetensors header takes more than {HeaderMemory.MostBytes >> 20} MiB of memory; no model needs that much, the file is damaged or made to exhaust memory");
    }

    private readonly string Kind() => _json.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        _ => "null",
    };

    private readonly InputException Fault(string tensor, string fault) => SafetensorsHeader.Fault(_path, tensor, fault);
}
