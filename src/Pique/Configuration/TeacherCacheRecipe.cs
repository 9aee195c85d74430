namespace Pique.Configuration;

/// <summary>Keep the teacher's outputs on disk, computed once, instead of running it in every step.</summary>
public sealed record TeacherCacheRecipe
{
    /// <summary>Likeliest tokens kept at each position, the others as one bucket; the whole vocabulary for an exact copy.</summary>
    public int TopK { get; init; } = 64;

    /// <summary>Folder of the outputs, for several runs to share; null for the run's own. In a recipe file, relative to the recipe's folder.</summary>
    public string? Folder { get; init; }
}
