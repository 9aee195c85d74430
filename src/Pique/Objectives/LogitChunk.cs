namespace Pique.Objectives;

/// <summary>How many positions' logits are in memory at once.</summary>
internal static class LogitChunk
{
    /// <summary>Bytes of a chunk's logits where the vocabulary allows: what third-level caches hold.</summary>
    private const long Bytes = 8L << 20;

    /// <summary>Bytes that no chunk's logits exceed while it has <see cref="FewestRows"/> or more: of the largest vocabularies they would outweigh all else that a step keeps.</summary>
    private const long MostBytes = 80L << 20;

    // Matrix products slow down with fewer rows: by a tenth at 128, by a third at 64.
    private const int LeastRows = 256;
    private const int MostRows = 512;
    private const int FewestRows = 64;

    /// <summary>Positions of a chunk.</summary>
    /// <param name="vocabulary">Logits of a position.</param>
    public static int RowsFor(long vocabulary) =>
        (int)Math.Max(FewestRows, Math.Min(Math.Clamp(Bytes / (sizeof(float) * vocabulary), LeastRows, MostRows), MostBytes / (sizeof(float) * vocabulary)));
}
