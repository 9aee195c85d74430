namespace Pique.Formats.Safetensors;

/// <summary>Properties of <see cref="SafetensorsDtype"/>.</summary>
public static class SafetensorsDtypes
{
    /// <summary>Bytes one element takes.</summary>
    /// <param name="dtype">Element type.</param>
    public static int ElementBytes(this SafetensorsDtype dtype) => dtype switch
    {
        SafetensorsDtype.Bool or SafetensorsDtype.U8 or SafetensorsDtype.I8 or SafetensorsDtype.F8E5M2 or SafetensorsDtype.F8E4M3 => 1,
        SafetensorsDtype.I16 or SafetensorsDtype.U16 or SafetensorsDtype.F16 or SafetensorsDtype.BF16 => 2,
        SafetensorsDtype.I32 or SafetensorsDtype.U32 or SafetensorsDtype.F32 => 4,
        SafetensorsDtype.F64 or SafetensorsDtype.I64 or SafetensorsDtype.U64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "not a safetensors dtype"),
    };

    /// <summary>Whether the element type is one that weights are read from: F32, F16 or BF16.</summary>
    /// <param name="dtype">Element type.</param>
    public static bool IsWeightDtype(this SafetensorsDtype dtype) =>
        dtype is SafetensorsDtype.F32 or SafetensorsDtype.F16 or SafetensorsDtype.BF16;

    /// <summary>The name the format writes for the element type, for example "BF16".</summary>
    /// <param name="dtype">Element type.</param>
    public static string FormatName(this SafetensorsDtype dtype) => dtype switch
    {
        SafetensorsDtype.Bool => "BOOL",
        SafetensorsDtype.F8E5M2 => "F8_E5M2",
        SafetensorsDtype.F8E4M3 => "F8_E4M3",
        _ => dtype.ToString(),
    };

    /// <summary>Finds the element type that the format calls by this exact name.</summary>
    /// <param name="name">Name as written in the header, for example "BF16".</param>
    /// <param name="dtype">The type, where known.</param>
    public static bool TryParse(string name, out SafetensorsDtype dtype)
    {
        foreach (SafetensorsDtype known in Enum.GetValues<SafetensorsDtype>())
        {
            if (string.Equals(known.FormatName(), name, StringComparison.Ordinal))
            {
                dtype = known;
                return true;
            }
        }

        dtype = default;
        return false;
    }
}
