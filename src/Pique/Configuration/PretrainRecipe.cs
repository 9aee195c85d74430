namespace Pique.Configuration;

/// <summary>Full-precision training of a model, from random weights or on from an earlier one.</summary>
public sealed record PretrainRecipe
{
    /// <summary>Model to train on from, with its tokenizer; it must have the shape stated here. Null starts from random weights and trains a tokenizer.</summary>
    public string? InitialModel { get; init; }

    /// <summary>Shape of the model.</summary>
    public ArchitectureRecipe Architecture { get; init; } = new();

    /// <summary>The tokenizer to train, or that of the initial model.</summary>
    public TokenizerRecipe Tokenizer { get; init; } = new();

    /// <summary>Training and held-out records.</summary>
    public DataRecipe Data { get; init; } = new();

    /// <summary>Optimizer, schedule and checkpoints.</summary>
    public TrainingRecipe Training { get; init; } = new();

    /// <summary>Decoupled weight decay, on weight matrices only; zero or more.</summary>
    public float WeightDecay { get; init; } = 0.1f;

    /// <summary>Largest global gradient norm, or null for no clipping.</summary>
    public float? GradClip { get; init; } = 1.0f;

    /// <summary>Passes over the training data, at least 1.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Highest learning rate, greater than zero.</summary>
    public float LearningRate { get; init; } = 1e-3f;

    /// <summary>Finds everything that is wrong with the values.</summary>
    /// <returns>Every fault, in the order of the fields; none where the recipe is valid.</returns>
    public IReadOnlyList<ConfigurationFault> Validate()
    {
        FaultCollector faults = new();
        PretrainRecipeRules.Check(this, faults);
        return faults.Faults;
    }
}
