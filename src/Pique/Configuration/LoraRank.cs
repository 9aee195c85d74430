namespace Pique.Configuration;

/// <summary>Rank of the adapters. A closed choice.</summary>
public abstract record LoraRank
{
    private LoraRank()
    {
    }

    /// <summary>This rank, which no weight's smaller side may fall short of.</summary>
    /// <param name="Value">1 or more.</param>
    public sealed record Fixed(int Value) : LoraRank;

    /// <summary>The greatest of 16, 8 and 4 that no adapted weight is too small for; which one is reported.</summary>
    public sealed record Auto : LoraRank
    {
        /// <summary>Ranks in the order they are tried.</summary>
        public static IReadOnlyList<int> Candidates { get; } = [16, 8, 4];
    }
}
