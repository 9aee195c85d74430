namespace Pique.Formats.Tokenizers;

/// <summary>A SentencePiece byte-pair vocabulary as its file holds it.</summary>
/// <param name="File">File, for errors.</param>
/// <param name="Pieces">Pieces; the index is the id.</param>
internal sealed record SentencePieceModel(string File, IReadOnlyList<(string Text, float Score, PieceType Type)> Pieces)
{
    /// <summary>Id of the unknown piece.</summary>
    public int UnknownId { get; init; }

    /// <summary>Id that opens a text, or null.</summary>
    public int? BeginId { get; init; } = 1;

    /// <summary>Id that ends a text, or null.</summary>
    public int? EndId { get; init; } = 2;

    /// <summary>True where characters without a piece become bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>True where a space is put before a text.</summary>
    public bool AddDummyPrefix { get; init; } = true;

    /// <summary>True where spaces at both ends are dropped and runs of spaces become one.</summary>
    public bool RemoveExtraSpaces { get; init; } = true;

    /// <summary>
    /// True where pieces that are always taken whole are found in the text as typed and each stretch between them is normalized by itself, as
    /// llama.cpp does; false where the text is normalized first, as SentencePiece does.
    /// </summary>
    public bool NormalizesStretches { get; init; }

    /// <summary>Text that the unknown piece decodes to: SentencePiece shows where it was, llama.cpp leaves it out.</summary>
    public string UnknownSurface { get; init; } = " ⁇ ";
}
