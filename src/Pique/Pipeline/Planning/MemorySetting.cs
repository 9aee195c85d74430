namespace Pique.Pipeline;

/// <summary>The choices of a recipe that decide how much memory training takes.</summary>
/// <param name="BatchRows">Rows of a whole batch.</param>
/// <param name="Parts">Parts it is taken in.</param>
/// <param name="ContextTokens">Tokens in a row.</param>
/// <param name="Checkpointing">Whether blocks are computed again for their gradients.</param>
internal sealed record MemorySetting(long BatchRows, long Parts, long ContextTokens, bool Checkpointing)
{
    /// <summary>Rows in the largest part.</summary>
    public long RowsAtOnce => (BatchRows + Parts - 1) / Parts;
}
