namespace Pique.Formats.Gguf;

/// <summary>Properties of <see cref="GgufTensorType"/>.</summary>
public static class GgufTensorTypes
{
    /// <summary>Weights that are stored together; 1 for floats.</summary>
    /// <param name="type">Storage type.</param>
    public static int BlockWeights(this GgufTensorType type) => Block(type).Weights;

    /// <summary>Bytes of a block.</summary>
    /// <param name="type">Storage type.</param>
    public static int BlockBytes(this GgufTensorType type) => Block(type).Bytes;

    /// <summary>ggml's name of the type, for example "Q4_0".</summary>
    /// <param name="type">Storage type.</param>
    public static string Name(this GgufTensorType type) => type.ToString();

    /// <summary>Finds a type by its name, in either case.</summary>
    /// <param name="name">Name, for example "q4_0".</param>
    /// <param name="type">The type.</param>
    /// <returns>Whether there is one of that name.</returns>
    public static bool TryParse(string name, out GgufTensorType type)
    {
        foreach (GgufTensorType candidate in Enum.GetValues<GgufTensorType>())
        {
            if (string.Equals(candidate.Name(), name, StringComparison.OrdinalIgnoreCase))
            {
                type = candidate;
                return true;
            }
        }

        type = default;
        return false;
    }

    /// <summary>Bytes a tensor takes.</summary>
    /// <param name="type">Storage type.</param>
    /// <param name="shape">Sizes of the dimensions, outermost first; the last is the row length.</param>
    /// <exception cref="ArgumentException">The row length is no multiple of the block, a size is not positive, or there are no sizes.</exception>
    /// <exception cref="OverflowException">The product exceeds 64 bits.</exception>
    public static long ByteCount(this GgufTensorType type, IReadOnlyList<long> shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        (int weights, int bytes) = Block(type);
        if (shape.Count == 0 || shape.Any(size => size < 1))
            throw new ArgumentException($"shape {Shapes.Format(shape)} has no elements, expected sizes of at least 1", nameof(shape));
        if (shape[^1] % weights != 0)
            throw new ArgumentException($"rows of {shape[^1]} weights are no multiple of the {weights} of a {type.Name()} block", nameof(shape));
        return checked(Shapes.ElementCount(shape) / weights * bytes);
    }

    /// <summary>Names of all types, for messages.</summary>
    internal static string AllNames => string.Join(", ", Enum.GetValues<GgufTensorType>().Select(Name));

    private static (int Weights, int Bytes) Block(GgufTensorType type) => type switch
    {
        GgufTensorType.F32 => (1, 4),
        GgufTensorType.F16 or GgufTensorType.BF16 => (1, 2),
        GgufTensorType.Q4_0 => (32, 18),
        GgufTensorType.Q4_1 => (32, 20),
        GgufTensorType.Q5_0 => (32, 22),
        GgufTensorType.Q5_1 => (32, 24),
        GgufTensorType.Q8_0 => (32, 34),
        GgufTensorType.Q2_K => (256, 84),
        GgufTensorType.Q3_K => (256, 110),
        GgufTensorType.Q4_K => (256, 144),
        GgufTensorType.Q5_K => (256, 176),
        GgufTensorType.Q6_K => (256, 210),
        GgufTensorType.TQ1_0 => (256, 54),
        GgufTensorType.TQ2_0 => (256, 66),
        GgufTensorType.Q1_0 => (128, 18),
        GgufTensorType.Q2_0 => (64, 18),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };
}
