namespace Pique.Formats.Gguf;

/// <summary>Type of a metadata value; the numbers are those of the file.</summary>
public enum GgufValueType : uint
{
    /// <summary>Unsigned 8-bit integer.</summary>
    UInt8,

    /// <summary>Signed 8-bit integer.</summary>
    Int8,

    /// <summary>Unsigned 16-bit integer.</summary>
    UInt16,

    /// <summary>Signed 16-bit integer.</summary>
    Int16,

    /// <summary>Unsigned 32-bit integer.</summary>
    UInt32,

    /// <summary>Signed 32-bit integer.</summary>
    Int32,

    /// <summary>IEEE single precision.</summary>
    Float32,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>UTF-8 text with its length before it.</summary>
    String,

    /// <summary>Values of one type, possibly arrays themselves.</summary>
    Array,

    /// <summary>Unsigned 64-bit integer.</summary>
    UInt64,

    /// <summary>Signed 64-bit integer.</summary>
    Int64,

    /// <summary>IEEE double precision.</summary>
    Float64,
}
