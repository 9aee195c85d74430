namespace Pique.Formats.Safetensors;

/// <summary>A tensor about to be written: what the header says of it, and how its bytes are made when their turn comes.</summary>
/// <param name="Name">Name, unique in the file.</param>
/// <param name="Dtype">Element type.</param>
/// <param name="Shape">Sizes of the dimensions, outermost first; empty for a scalar.</param>
/// <param name="WriteContent">Writes exactly the bytes that dtype and shape ask for, little-endian, in row-major order.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsDtype Dtype, IReadOnlyList<long> Shape, Action<Stream> WriteContent)
{
    /// <summary>An entry whose bytes are at hand.</summary>
    /// <param name="name">Name, unique in the file.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="shape">Sizes of the dimensions, outermost first.</param>
    /// <param name="content">Bytes, little-endian, in row-major order.</param>
    public static SafetensorsEntry FromBytes(string name, SafetensorsDtype dtype, IReadOnlyList<long> shape, ReadOnlyMemory<byte> content) =>
        new(name, dtype, shape, stream => stream.Write(content.Span));
}
