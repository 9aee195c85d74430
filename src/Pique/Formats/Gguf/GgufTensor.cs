namespace Pique.Formats.Gguf;

/// <summary>Where and what a stored tensor is; its values are read on demand.</summary>
/// <param name="Name">Name, unique in its file.</param>
/// <param name="Shape">Sizes of the dimensions, outermost first; the last is the row length. The file itself stores them innermost first.</param>
/// <param name="Type">Storage type.</param>
/// <param name="Offset">First byte in the file.</param>
/// <param name="ByteCount">Bytes it takes.</param>
public sealed record GgufTensor(string Name, IReadOnlyList<long> Shape, GgufTensorType Type, long Offset, long ByteCount)
{
    /// <summary>Number of elements: the product of the shape.</summary>
    public long ElementCount => ByteCount / Type.BlockBytes() * Type.BlockWeights();
}
