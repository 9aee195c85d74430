namespace Pique.Formats.Tokenizers;

/// <summary>A pre-tokenizer: cuts text into the pieces that merges never cross.</summary>
internal interface ITextSplitter
{
    /// <summary>Cuts one piece into smaller ones, in order.</summary>
    /// <param name="piece">Piece of text, not empty.</param>
    /// <param name="position">Where the piece stands in the whole text.</param>
    IEnumerable<string> Split(string piece, PiecePosition position);
}
