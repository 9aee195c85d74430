namespace Pique.Formats.Safetensors;

/// <summary>Where and what a stored tensor is; its values are read on demand.</summary>
/// <param name="Name">Name, unique in its file.</param>
/// <param name="Dtype">Element type.</param>
/// <param name="Shape">Sizes of the dimensions, outermost first; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">Byte after the last, counted from the end of the header.</param>
public sealed record SafetensorsTensor(string Name, SafetensorsDtype Dtype, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>Bytes the tensor takes in the file.</summary>
    public long StoredBytes => End - Begin;

    /// <summary>Number of elements: the product of the shape.</summary>
    public long ElementCount => StoredBytes / Dtype.ElementBytes();
}
