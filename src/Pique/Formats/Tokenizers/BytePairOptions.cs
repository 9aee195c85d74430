namespace Pique.Formats.Tokenizers;

/// <summary>What a byte-pair model does around its merges.</summary>
internal sealed record BytePairOptions
{
    /// <summary>Id for characters without a token, or null where they are an error.</summary>
    public int? UnknownId { get; init; }

    /// <summary>True where neighbouring unknown characters share one <see cref="UnknownId"/>.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>For each byte the token <c>&lt;0x00&gt;</c> … <c>&lt;0xFF&gt;</c> that characters without a token fall back to, or null where there is no fallback.</summary>
    public IReadOnlyList<int?>? ByteIds { get; init; }

    /// <summary>True where a piece that is a token is taken whole, whatever the merges say.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Ids that text never becomes.</summary>
    public IReadOnlySet<int> SpecialIds { get; init; } = new HashSet<int>();
}
