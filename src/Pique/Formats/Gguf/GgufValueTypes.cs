namespace Pique.Formats.Gguf;

/// <summary>Properties of <see cref="GgufValueType"/>.</summary>
internal static class GgufValueTypes
{
    /// <summary>Least bytes one value takes in a file: its own for a number, those of its lengths and types for others.</summary>
    public static int LeastBytes(this GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.String or GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        GgufValueType.Array => 12,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>The format's type for a .NET number or truth value.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static GgufValueType Of(Type type) => type switch
    {
        _ when type == typeof(byte) => GgufValueType.UInt8,
        _ when type == typeof(sbyte) => GgufValueType.Int8,
        _ when type == typeof(ushort) => GgufValueType.UInt16,
        _ when type == typeof(short) => GgufValueType.Int16,
        _ when type == typeof(uint) => GgufValueType.UInt32,
        _ when type == typeof(int) => GgufValueType.Int32,
        _ when type == typeof(ulong) => GgufValueType.UInt64,
        _ when type == typeof(long) => GgufValueType.Int64,
        _ when type == typeof(float) => GgufValueType.Float32,
        _ when type == typeof(double) => GgufValueType.Float64,
        _ when type == typeof(bool) => GgufValueType.Bool,
        _ => throw new ArgumentException($"GGUF metadata has no type for {type.Name}; use an integer, a float or a truth value", nameof(type)),
    };
}
