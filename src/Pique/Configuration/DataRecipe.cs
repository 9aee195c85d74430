namespace Pique.Configuration;

/// <summary>Where records come from and how they are cut: files, a synthetic curriculum, or both.</summary>
public sealed record DataRecipe
{
    /// <summary>The held-out share where none is given.</summary>
    public const float DefaultHeldOutShare = 0.05f;

    /// <summary>The context length where none is given, in tokens.</summary>
    public const int DefaultContextTokens = 256;

    /// <summary>Text and JSONL files, in order.</summary>
    public IReadOnlyList<DataFile> Files { get; init; } = [];

    /// <summary>Seeded synthetic records, or null for none.</summary>
    public CurriculumRecipe? Curriculum { get; init; }

    /// <summary>Share of the files' records kept out of training, in [0, 1). The curriculum holds out its own records.</summary>
    public float HeldOutShare { get; init; } = DefaultHeldOutShare;

    /// <summary>Tokens of a packed row.</summary>
    public int ContextTokens { get; init; } = DefaultContextTokens;
}
