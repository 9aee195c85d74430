namespace Pique.Formats.Gguf;

/// <summary>A tensor about to be written: what the header says of it, and how its bytes are made when their turn comes.</summary>
/// <param name="Name">Name, unique in the file; at most 63 bytes.</param>
/// <param name="Shape">Sizes of the dimensions, outermost first; the last is the row length.</param>
/// <param name="Type">Storage type.</param>
/// <param name="Write">Writes exactly the bytes that type and shape ask for, row after row. The stream cannot seek.</param>
public sealed record GgufTensorEntry(string Name, IReadOnlyList<long> Shape, GgufTensorType Type, Action<Stream> Write);
