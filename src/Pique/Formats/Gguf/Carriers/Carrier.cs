namespace Pique.Formats.Gguf.Carriers;

/// <summary>A ggml type that can hold a quantized weight exactly: writes its blocks from codes and scales. See docs/math.md §9.</summary>
/// <param name="type">The type.</param>
internal abstract class Carrier(GgufTensorType type)
{
    /// <summary>The type.</summary>
    public GgufTensorType Type { get; } = type;

    /// <summary>Writes a block.</summary>
    /// <param name="source">As many weights as the type's blocks have.</param>
    /// <param name="block">Receives the block; zeros before.</param>
    /// <returns>Whether the type can hold these weights exactly; if not, the block's content is of no use.</returns>
    public abstract bool TryWrite(GridBlock source, Span<byte> block);

    /// <summary>Writes a float16.</summary>
    protected static void WriteHalf(Span<byte> destination, float value) => System.Buffers.Binary.BinaryPrimitives.WriteHalfLittleEndian(destination, (Half)value);
}
