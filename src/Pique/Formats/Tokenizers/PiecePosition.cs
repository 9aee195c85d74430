namespace Pique.Formats.Tokenizers;

/// <summary>Where a piece stands in the text: decides whether a dummy prefix space is put before it.</summary>
internal enum PiecePosition
{
    /// <summary>The piece opens the text.</summary>
    First,

    /// <summary>The piece opens a text that continues an earlier one, and gets no dummy prefix.</summary>
    FirstOfContinuation,

    /// <summary>Other pieces of the same text precede.</summary>
    Later,
}
