namespace Pique.Configuration;

/// <summary>How many records the seeded synthetic curriculum makes of each domain.</summary>
public sealed record CurriculumRecipe
{
    /// <summary>Stories, for training.</summary>
    public int General { get; init; }

    /// <summary>Word problems with a written chain of thought, for training.</summary>
    public int Reasoning { get; init; }

    /// <summary>Requests with their tool call, for training.</summary>
    public int ToolUse { get; init; }

    /// <summary>Seed of the generators.</summary>
    public long Seed { get; init; }

    /// <summary>Records of each domain held out of training, with content disjoint from it.</summary>
    public int HeldOut { get; init; }
}
