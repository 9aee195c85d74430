namespace Pique.Formats.Gguf;

/// <summary>A metadata value with its type as stored.</summary>
public sealed class GgufValue
{
    /// <summary>Makes a value.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="elementType">Type of the elements where it is an array.</param>
    /// <param name="content">The .NET value of that type; for an array, the .NET array of them, of <see cref="GgufValue"/> where arrays nest.</param>
    internal GgufValue(GgufValueType type, GgufValueType? elementType, object content)
    {
        Type = type;
        ElementType = elementType;
        Content = content;
    }

    /// <summary>Type of the value.</summary>
    public GgufValueType Type { get; }

    /// <summary>Type of the elements; null where the value is no array.</summary>
    public GgufValueType? ElementType { get; }

    /// <summary>Number of elements of an array; 1 for any other value.</summary>
    public int Count => Content is Array array ? array.Length : 1;

    /// <summary>The value as text, or null where it is none.</summary>
    public string? Text => Content as string;

    /// <summary>The value as a truth value, or null where it is none.</summary>
    public bool? Flag => Content as bool?;

    /// <summary>The value of any integer type, or null where it is none or exceeds a signed 64-bit integer.</summary>
    public long? Integer => Content switch
    {
        byte number => number,
        sbyte number => number,
        ushort number => number,
        short number => number,
        uint number => number,
        int number => number,
        long number => number,
        ulong number when number <= long.MaxValue => (long)number,
        _ => null,
    };

    /// <summary>The value of either float type, or null where it is none.</summary>
    public double? Float => Content switch
    {
        float number => number,
        double number => number,
        _ => null,
    };

    /// <summary>The elements of an array of strings, or null where the value is none.</summary>
    public IReadOnlyList<string>? Texts => Content as string[];

    /// <summary>The elements of an array of single-precision floats, or null where the value is none.</summary>
    public IReadOnlyList<float>? Floats => Content as float[];

    /// <summary>The elements of an array of integers of at most 32 bits, or null where the value is none or an element exceeds a signed 32-bit integer.</summary>
    /// <remarks>The .NET runtime would let an array of unsigned integers pass for one of signed ones: the type decides, not the array.</remarks>
    public IReadOnlyList<int>? Integers => ElementType switch
    {
        GgufValueType.Int32 => (int[])Content,
        GgufValueType.UInt32 when Array.TrueForAll((uint[])Content, number => number <= int.MaxValue) => Array.ConvertAll((uint[])Content, number => (int)number),
        GgufValueType.UInt8 => Array.ConvertAll((byte[])Content, number => (int)number),
        GgufValueType.Int8 => Array.ConvertAll((sbyte[])Content, number => (int)number),
        GgufValueType.UInt16 => Array.ConvertAll((ushort[])Content, number => (int)number),
        GgufValueType.Int16 => Array.ConvertAll((short[])Content, number => (int)number),
        _ => null,
    };

    /// <summary>The elements of an array of truth values, or null where the value is none.</summary>
    public IReadOnlyList<bool>? Flags => Content as bool[];

    /// <summary>The elements of an array of arrays, or null where the value is none.</summary>
    public IReadOnlyList<GgufValue>? Arrays => Content as GgufValue[];

    internal object Content { get; }

    /// <summary>A string.</summary>
    public static GgufValue Of(string value) => new(GgufValueType.String, null, value);

    /// <summary>A truth value.</summary>
    public static GgufValue Of(bool value) => new(GgufValueType.Bool, null, value);

    /// <summary>A number of any type the format has.</summary>
    /// <exception cref="ArgumentException">The format has no such type.</exception>
    public static GgufValue Of<T>(T value) where T : unmanaged => new(GgufValueTypes.Of(typeof(T)), null, value);

    /// <summary>An array of strings. The list is copied.</summary>
    public static GgufValue Of(IReadOnlyList<string> values) => new(GgufValueType.Array, GgufValueType.String, values.ToArray());

    /// <summary>An array of numbers or truth values. The list is copied.</summary>
    /// <exception cref="ArgumentException">The format has no such type.</exception>
    public static GgufValue Of<T>(IReadOnlyList<T> values) where T : unmanaged => new(GgufValueType.Array, GgufValueTypes.Of(typeof(T)), values.ToArray());

    /// <summary>An array of arrays. The list is copied.</summary>
    /// <exception cref="ArgumentException">An element is no array.</exception>
    public static GgufValue Of(IReadOnlyList<GgufValue> arrays) => arrays.All(array => array.Type == GgufValueType.Array)
        ? new(GgufValueType.Array, GgufValueType.Array, arrays.ToArray())
        : throw new ArgumentException("an element is no array; arrays of other values are made from those values", nameof(arrays));

    /// <summary>Names the value's type, for example "UInt32" or "array of String".</summary>
    public string Describe() => ElementType is { } element ? $"array of {element}" : $"{Type}";
}
