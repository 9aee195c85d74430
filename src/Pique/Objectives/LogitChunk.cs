namespace Pique.Objectives;

/// <summary>How many positions' logits are in memory at once.</summary>
internal static class LogitChunk
{
    /// <summary>Bytes of a chunk's logits where the vocabulary allows: what third-level caches hold.</summary>
    private const long Bytes = 8L << 20;

    // Each chunk reads and writes the head's whole gradient: with fewer positions that costs more than the products.
    private const int LeastRows = 128;
    private const int MostRows = 512;

    /// <summary>Positions of a chunk.</summary>
    /// <param name="vocabulary">Logits of a position.</param>
    public static int RowsFor(long vocabulary) => (int)Math.Clamp(Bytes / (sizeof(float) * vocabulary), LeastRows, MostRows);
}
