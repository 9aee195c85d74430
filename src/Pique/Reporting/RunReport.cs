using Pique.Evaluation;

namespace Pique.Reporting;

/// <summary>Everything the report page shows.</summary>
public sealed record RunReport
{
    /// <summary>Headline of the page.</summary>
    public required string Title { get; init; }

    /// <summary>Resolved choices of the run: name and value.</summary>
    public required IReadOnlyList<(string Name, string Value)> Choices { get; init; }

    /// <summary>Rows of the closing table: the teacher first.</summary>
    public required IReadOnlyList<ModelScore> Scores { get; init; }

    /// <summary>Name and value per step of each loss.</summary>
    public required IReadOnlyList<(string Name, IReadOnlyList<double> Values)> Losses { get; init; }

    /// <summary>Every quantized layer.</summary>
    public required IReadOnlyList<LayerSummary> Layers { get; init; }
}

/// <summary>How one layer was quantized.</summary>
/// <param name="Name">Checkpoint name.</param>
/// <param name="Shape">Shape of the weight.</param>
/// <param name="Bits">Bits of a code.</param>
/// <param name="BitsPerWeight">Stored bits per weight, scales included.</param>
/// <param name="SignalToNoiseDecibels">10·log₁₀(Σw²/Σ(w−ŵ)²) of the trained latent weight against its rounded self.</param>
public sealed record LayerSummary(string Name, IReadOnlyList<long> Shape, int Bits, double BitsPerWeight, double SignalToNoiseDecibels);
