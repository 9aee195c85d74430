namespace Pique.Formats.Gguf.Export;

/// <summary>How a tensor was written.</summary>
/// <param name="Name">Name in the checkpoint, for example "model.layers.0.mlp.up_proj.weight".</param>
/// <param name="GgufName">Name in the file, for example "blk.0.ffn_up.weight".</param>
/// <param name="Shape">Sizes of the dimensions, outermost first.</param>
/// <param name="Type">Storage type.</param>
/// <param name="CodeBits">Bits of its codes in training; null where it was not quantized.</param>
/// <param name="IsExact">Whether the file holds the very values that the model computes with; zeros of either sign are equal.</param>
public sealed record GgufExportedTensor(string Name, string GgufName, IReadOnlyList<long> Shape, GgufTensorType Type, int? CodeBits, bool IsExact)
{
    /// <summary>Bytes in the file.</summary>
    public long ByteCount => Type.ByteCount(Shape);

    /// <summary>Bits a weight takes in the file.</summary>
    public double BitsPerWeight => 8.0 * ByteCount / Shapes.ElementCount(Shape);
}
