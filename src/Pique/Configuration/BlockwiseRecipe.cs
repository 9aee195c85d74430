namespace Pique.Configuration;

/// <summary>How blocks are trained one after another under <see cref="TrainingMode.Blockwise"/>.</summary>
public sealed record BlockwiseRecipe
{
    /// <summary>Passes over the rows for each block.</summary>
    public int Epochs { get; init; } = 2;

    /// <summary>Rows of the training data that blocks are trained on, the first of their seeded order; null for all. Their activations are kept on disk.</summary>
    public int? Rows { get; init; }

    /// <summary>Learning rate of scales and zero points; null for that of the configuration.</summary>
    public float? LearningRate { get; init; }

    /// <summary>Learning rate of the latent weights; null for that of training at large.</summary>
    public float? WeightLearningRate { get; init; }

    /// <summary>Train all scales end to end afterwards, codes standing still: over the configuration's epochs, at its learning rate, by its losses.</summary>
    public bool ScalesEndToEnd { get; init; } = true;
}
