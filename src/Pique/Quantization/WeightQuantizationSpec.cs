using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Quantization;

/// <summary>How one weight matrix is quantized.</summary>
/// <param name="Bits">Bits a code: 2, 3, 4, 5 or 8.</param>
/// <param name="Granularity">Which weights share a scale.</param>
/// <param name="Estimator">Gradient through rounding; <see cref="SteVariant.LearnedStepSize"/> also trains the scale.</param>
/// <param name="PiK">k of the pi grid, step = α·π/k; null for the uniform grid.</param>
/// <param name="Symmetric">Two's complement; false for an integer zero point.</param>
public sealed record WeightQuantizationSpec(
    int Bits,
    QuantGranularity Granularity,
    SteVariant Estimator,
    int? PiK = null,
    bool Symmetric = true)
{
    /// <summary>The codes.</summary>
    public CodeGrid Grid => new(Bits, Symmetric);

    /// <summary>Whether the scale (on the pi grid, α) is a trained parameter.</summary>
    public bool LearnsScale => Estimator is SteVariant.LearnedStepSize;

    /// <summary>Step per unit of the trained parameter: π/k on the pi grid, else 1.</summary>
    public float StepFactor => PiK is { } k ? (float)(Math.PI / k) : 1f;
}
