namespace Pique.Configuration;

/// <summary>How the initial scales of the weights are found.</summary>
public sealed record CalibrationRecipe
{
    /// <summary>The share of magnitudes within the range where none is given.</summary>
    public const float DefaultPercentile = 0.999f;

    /// <summary>GPTQ's damping where none is given, as its paper has it (arXiv:2210.17323, section 3.3).</summary>
    public const float DefaultDamping = 0.01f;

    /// <summary>Records of each domain that the data has, where no counts are given.</summary>
    public const int DefaultSamplesPerDomain = 128;

    /// <summary>The search for a scale.</summary>
    public CalibrationMethod Method { get; init; } = CalibrationMethod.Mse;

    /// <summary>Weigh squared errors by the mean square of each input channel; null weighs them for <see cref="CalibrationMethod.Gptq"/> alone. Needs data, and is left out where there is none.</summary>
    public bool? Weighted { get; init; }

    /// <summary>Whether squared errors are weighed where there is data: what <see cref="Weighted"/> comes to, and false for methods that look at no squared errors.</summary>
    public bool WeighsErrors => Method is CalibrationMethod.Mse or CalibrationMethod.Gptq && (Weighted ?? Method == CalibrationMethod.Gptq);

    /// <summary>Records to look at; null takes <see cref="DefaultSamplesPerDomain"/> of every domain the training data has, or all where it has fewer.</summary>
    public CalibrationSampleCounts? Samples { get; init; }

    /// <summary>Share of magnitudes within the range, for <see cref="CalibrationMethod.Percentile"/>, in (0, 1].</summary>
    public float Percentile { get; init; } = DefaultPercentile;

    /// <summary>What GPTQ adds to the diagonal of its Hessian, as a share of the mean diagonal, in (0, 1].</summary>
    public float Damping { get; init; } = DefaultDamping;

    /// <summary>Whether GPTQ rounds the columns of the largest inputs first.</summary>
    public bool ActivationOrder { get; init; } = true;

    /// <summary>Path of a calibration.json to use in place of calibrating; in a recipe file, relative to the recipe's folder. Null calibrates.</summary>
    public string? Artifact { get; init; }

    /// <summary>The same by a method; another than before weighs errors as it does where nothing is said.</summary>
    /// <param name="method">The method; null keeps it.</param>
    public CalibrationRecipe By(CalibrationMethod? method) => method is { } chosen && chosen != Method ? this with { Method = chosen, Weighted = null } : this;
}
