namespace Pique.Formats.Gguf;

/// <summary>Order of the rows of query and key projections.</summary>
/// <remarks>
/// Hugging Face rotates channel i of a head together with channel i + headSize/2; llama.cpp, for the architectures whose rows it wants
/// permuted, rotates channels 2·i and 2·i + 1. Row 2·i + t of a head in the file is therefore row i + t·headSize/2 of the checkpoint.
/// </remarks>
/// <param name="headSize">Rows of a head; 0 where rows keep their order.</param>
internal readonly struct RotaryRowOrder(int headSize)
{
    /// <summary>Whether rows change places at all.</summary>
    public bool Permutes => headSize > 0;

    /// <summary>Row of the checkpoint that stands at a row of the file.</summary>
    /// <param name="fileRow">Row of the file.</param>
    public long CheckpointRow(long fileRow)
    {
        if (!Permutes)
            return fileRow;
        (long head, long row) = Math.DivRem(fileRow, headSize);
        return (head * headSize) + (row / 2) + (row % 2 * (headSize / 2));
    }

    /// <summary>Row of the file where a row of the checkpoint stands.</summary>
    /// <param name="checkpointRow">Row of the checkpoint.</param>
    public long FileRow(long checkpointRow)
    {
        if (!Permutes)
            return checkpointRow;
        (long head, long row) = Math.DivRem(checkpointRow, headSize);
        (long half, long pair) = Math.DivRem(row, headSize / 2);
        return (head * headSize) + (2 * pair) + half;
    }
}
