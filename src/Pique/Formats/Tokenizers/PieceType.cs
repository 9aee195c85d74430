namespace Pique.Formats.Tokenizers;

/// <summary>What a SentencePiece piece is for; the numbers are those of its file format.</summary>
internal enum PieceType
{
    /// <summary>Ordinary text.</summary>
    Normal = 1,

    /// <summary>Stands for what has no piece.</summary>
    Unknown = 2,

    /// <summary>A special token, never part of text.</summary>
    Control = 3,

    /// <summary>A piece always taken whole.</summary>
    UserDefined = 4,

    /// <summary>A piece that is taken apart again.</summary>
    Unused = 5,

    /// <summary>One byte.</summary>
    Byte = 6,
}
