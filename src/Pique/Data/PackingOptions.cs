namespace Pique.Data;

/// <summary>How tokenized records are packed into batches.</summary>
/// <param name="ContextTokens">Tokens in a row; at least 2.</param>
/// <param name="BatchTokens">Tokens in a batch, which has BatchTokens / ContextTokens rows, at least one.</param>
/// <param name="Seed">Seed of the order of records and rows.</param>
/// <param name="PaddingId">Token id that fills the rest of a row; it is never trained on.</param>
/// <param name="Shuffle">False keeps records and rows in the order given, as evaluation wants it.</param>
public sealed record PackingOptions(int ContextTokens, int BatchTokens, long Seed = 0, int PaddingId = 0, bool Shuffle = true);
