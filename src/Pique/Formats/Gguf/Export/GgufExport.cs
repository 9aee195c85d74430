namespace Pique.Formats.Gguf.Export;

/// <summary>A file that was written.</summary>
/// <param name="Path">The file.</param>
/// <param name="FileBytes">Its length.</param>
/// <param name="Tensors">How each tensor was written, in the order of the file.</param>
/// <param name="Warnings">What a user must know of it: weights that no type holds exactly, a tokenizer that runtimes read otherwise.</param>
public sealed record GgufExport(string Path, long FileBytes, IReadOnlyList<GgufExportedTensor> Tensors, IReadOnlyList<string> Warnings)
{
    /// <summary>Bits a weight takes over all tensors.</summary>
    public double BitsPerWeight => 8.0 * Tensors.Sum(tensor => tensor.ByteCount) / Tensors.Sum(tensor => Shapes.ElementCount(tensor.Shape));

    /// <summary>Whether every tensor is exact.</summary>
    public bool IsExact => Tensors.All(tensor => tensor.IsExact);
}
