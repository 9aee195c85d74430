using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Quantization;

/// <summary>How one weight matrix is quantized.</summary>
/// <param name="Bits">Bits a code: 2, 3, 4, 5 or 8.</param>
/// <param name="Granularity">Which weights share a scale.</param>
/// <param name="Estimator">Gradient through rounding; <see cref="SteVariant.LearnedStepSize"/> also trains the scale and, on the affine grid, the zero point.</param>
/// <param name="PiK">k of the pi grid, step = α·π/k; null for the uniform grid.</param>
/// <param name="Kind">Where the levels lie.</param>
public sealed record WeightQuantizationSpec(
    int Bits,
    QuantGranularity Granularity,
    SteVariant Estimator,
    int? PiK = null,
    GridKind Kind = GridKind.TwosComplement)
{
    /// <summary>The codes.</summary>
    public CodeGrid Grid => new(Bits, Kind);

    /// <summary>Whether every group has the fixed zero point of its bits.</summary>
    public bool Symmetric => Grid.Symmetric;

    /// <summary>Whether scales are a float16 super-scale for 256 weights times a small integer for each block, see <see cref="TwoLevelScale"/>.</summary>
    public bool TwoLevelScales { get; init; }

    /// <summary>Whether k of the pi grid is chosen for every output channel; <see cref="PiK"/> then only says that the grid is a pi grid.</summary>
    public bool PiKPerChannel { get; init; }

    /// <summary>Weight of the oscillation dampening (Nagel et al. 2022, arXiv:2203.08086, equation 6); 0 for none.</summary>
    public float OscillationDampening { get; init; }

    /// <summary>Whether the scale (on the pi grid, α) is a trained parameter.</summary>
    public bool LearnsScale => Estimator is SteVariant.LearnedStepSize;
}
