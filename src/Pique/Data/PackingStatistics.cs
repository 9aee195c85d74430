namespace Pique.Data;

/// <summary>How well records filled the rows.</summary>
/// <param name="Records">Number of records.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Tokens">Tokens of all records.</param>
/// <param name="TrainedTokens">Tokens that count in the loss.</param>
/// <param name="PaddingTokens">Places of rows that hold no token.</param>
/// <param name="CutRecords">Records that were longer than a row and were cut into windows.</param>
public sealed record PackingStatistics(int Records, int Rows, long Tokens, long TrainedTokens, long PaddingTokens, int CutRecords)
{
    /// <summary>Padding as a share of all places, 0 to 1.</summary>
    public double PaddingShare => PaddingTokens / (double)(Tokens + PaddingTokens);
}
