namespace Pique.Configuration;

/// <summary>Shape of a Llama made from random weights.</summary>
public sealed record ArchitectureRecipe
{
    /// <summary>Width of the residual stream.</summary>
    public int HiddenSize { get; init; } = 128;

    /// <summary>Width inside the feed-forward block.</summary>
    public int IntermediateSize { get; init; } = 384;

    /// <summary>Decoder layers.</summary>
    public int Layers { get; init; } = 4;

    /// <summary>Query heads.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public int KeyValueHeads { get; init; } = 2;

    /// <summary>Width of a head, even; null takes hidden size / heads.</summary>
    public int? HeadSize { get; init; }

    /// <summary>Longest context the model is declared for, in tokens.</summary>
    public int ContextTokens { get; init; } = 512;

    /// <summary>Whether the output head is the embedding.</summary>
    public bool TieEmbeddings { get; init; } = true;

    /// <summary>Base θ of the rotary position embedding (Su et al. 2021, arXiv:2104.09864).</summary>
    public float RopeTheta { get; init; } = 10000.0f;
}
