namespace Pique.Configuration;

/// <summary>Training by adapters inside the quantizer: Ŵ = Q(W₀ + (alpha/rank)·B·A), W₀ frozen (LR-QAT, Bondarenko et al. 2024, arXiv:2406.06385; docs/math.md §5).</summary>
public sealed record LoraRecipe
{
    /// <summary>Rank where none is given.</summary>
    public const int DefaultRank = 16;

    /// <summary>Width of A and B.</summary>
    public LoraRank Rank { get; init; } = new LoraRank.Fixed(DefaultRank);

    /// <summary>The update is multiplied by alpha/rank; greater than zero.</summary>
    public float Alpha { get; init; } = 32f;

    /// <summary>Share of an adapter's rank components left out of a training step, the others being scaled up by 1/(1 − dropout); 0 or more and less than 1.</summary>
    /// <remarks>Dropping inputs of A, as adapters beside the weight do, is not possible inside the quantizer, where A never meets an input.</remarks>
    public float Dropout { get; init; }

    /// <summary>Layers that get an adapter; all others are frozen whole.</summary>
    public LoraTargets TargetModules { get; init; } = new LoraTargets.AllLinear();

    /// <summary>How the frozen weights are held, which the teacher reads too.</summary>
    public FrozenStorage Base { get; init; }
}
