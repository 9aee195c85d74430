namespace Pique.Formats.Gguf;

/// <summary>Reads the key-value pairs of a header.</summary>
internal static class GgufMetadataReader
{
    private const int PairOverheadBytes = 256;
    private const int ValueOverheadBytes = 96;

    /// <summary>Reads all pairs.</summary>
    /// <param name="cursor">At the first pair.</param>
    /// <param name="pairCount">Number of pairs.</param>
    /// <exception cref="InputException">Any fault, with file and key.</exception>
    public static GgufMetadata Read(GgufCursor cursor, int pairCount)
    {
        GgufMetadata metadata = new(cursor.Path);
        for (int index = 0; index < pairCount; index++)
        {
            cursor.Where = $"key {index + 1} of {pairCount}";
            cursor.Reserve(PairOverheadBytes);
            string key = cursor.ReadText(GgufLimits.MaxKeyBytes, "the key");
            if (GgufLimits.FaultOfKey(key) is { } fault)
                throw cursor.Fault($"{fault}; the file is damaged, fetch or export it again");
            cursor.Where = $"key \"{MessageText.Name(key)}\"";
            if (metadata.Contains(key))
                throw cursor.Fault("is there twice, expected once; the file is damaged, fetch or export it again");
            metadata.Add(key, ReadValue(cursor, ReadType(cursor), 0));
        }

        return metadata;
    }

    private static GgufValueType ReadType(GgufCursor cursor)
    {
        uint type = cursor.Read<uint>();
        return type <= (uint)GgufValueType.Float64
            ? (GgufValueType)type
            : throw cursor.Fault($"value type {type} is unknown, expected 0 to {(uint)GgufValueType.Float64}; the file is damaged or of a newer format");
    }

    private static GgufValue ReadValue(GgufCursor cursor, GgufValueType type, int depth) => type switch
    {
        GgufValueType.UInt8 => GgufValue.Of(cursor.Read<byte>()),
        GgufValueType.Int8 => GgufValue.Of(cursor.Read<sbyte>()),
        GgufValueType.UInt16 => GgufValue.Of(cursor.Read<ushort>()),
        GgufValueType.Int16 => GgufValue.Of(cursor.Read<short>()),
        GgufValueType.UInt32 => GgufValue.Of(cursor.Read<uint>()),
        GgufValueType.Int32 => GgufValue.Of(cursor.Read<int>()),
        GgufValueType.UInt64 => GgufValue.Of(cursor.Read<ulong>()),
        GgufValueType.Int64 => GgufValue.Of(cursor.Read<long>()),
        GgufValueType.Float32 => GgufValue.Of(cursor.Read<float>()),
        GgufValueType.Float64 => GgufValue.Of(cursor.Read<double>()),
        GgufValueType.Bool => GgufValue.Of(Flag(cursor, cursor.Read<byte>())),
        GgufValueType.String => GgufValue.Of(cursor.ReadText()),
        _ => ReadArray(cursor, depth + 1),
    };

    private static GgufValue ReadArray(GgufCursor cursor, int depth)
    {
        if (depth > GgufLimits.MaxArrayDepth)
            throw cursor.Fault($"arrays are nested more than {GgufLimits.MaxArrayDepth} deep; no known key needs that, the file is damaged or made to exhaust memory");
        GgufValueType type = ReadType(cursor);
        int count = cursor.ReadCount(type.LeastBytes(), "array elements");

        // Truth values are read as bytes first.
        cursor.Reserve(ValueOverheadBytes + ((long)count * (type == GgufValueType.Bool ? 2 : type.LeastBytes())));
        object content = type switch
        {
            GgufValueType.UInt8 => ReadNumbers<byte>(cursor, count),
            GgufValueType.Int8 => ReadNumbers<sbyte>(cursor, count),
            GgufValueType.UInt16 => ReadNumbers<ushort>(cursor, count),
            GgufValueType.Int16 => ReadNumbers<short>(cursor, count),
            GgufValueType.UInt32 => ReadNumbers<uint>(cursor, count),
            GgufValueType.Int32 => ReadNumbers<int>(cursor, count),
            GgufValueType.UInt64 => ReadNumbers<ulong>(cursor, count),
            GgufValueType.Int64 => ReadNumbers<long>(cursor, count),
            GgufValueType.Float32 => ReadNumbers<float>(cursor, count),
            GgufValueType.Float64 => ReadNumbers<double>(cursor, count),
            GgufValueType.Bool => Array.ConvertAll(ReadNumbers<byte>(cursor, count), stored => Flag(cursor, stored)),
            GgufValueType.String => ReadItems(count, () => cursor.ReadText()),
            _ => ReadItems(count, () => ReadArray(cursor, depth + 1)),
        };
        return new GgufValue(GgufValueType.Array, type, content);
    }

    private static T[] ReadNumbers<T>(GgufCursor cursor, int count) where T : unmanaged
    {
        T[] numbers = new T[count];
        cursor.Fill<T>(numbers);
        return numbers;
    }

    private static T[] ReadItems<T>(int count, Func<T> read)
    {
        T[] items = new T[count];
        for (int index = 0; index < count; index++)
            items[index] = read();
        return items;
    }

    private static bool Flag(GgufCursor cursor, byte stored) => stored switch
    {
        0 => false,
        1 => true,
        _ => throw cursor.Fault($"a truth value is stored as {stored}, expected 0 or 1; the file is damaged, fetch or export it again"),
    };
}
