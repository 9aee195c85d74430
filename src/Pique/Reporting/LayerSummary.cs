namespace Pique.Reporting;

/// <summary>How one layer was quantized.</summary>
/// <param name="Name">Checkpoint name.</param>
/// <param name="Shape">Shape of the weight.</param>
/// <param name="Bits">Bits of a code.</param>
/// <param name="Grid">Where the levels lie and how scales are held, in words.</param>
/// <param name="BitsPerWeight">Stored bits per weight, scales included.</param>
/// <param name="SignalToNoiseDecibels">10·log₁₀(Σw²/Σ(w−ŵ)²) of the trained latent weight against its rounded self.</param>
public sealed record LayerSummary(string Name, IReadOnlyList<long> Shape, int Bits, string Grid, double BitsPerWeight, double SignalToNoiseDecibels);
