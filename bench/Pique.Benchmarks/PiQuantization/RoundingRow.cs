namespace Pique.Benchmarks.PiQuantization;

/// <summary>What rounding to one choice of grids does to the weights and to the model.</summary>
/// <param name="Bits">Bits a code.</param>
/// <param name="Case">How the grids were chosen.</param>
/// <param name="MeanSquaredError">Over all quantized weights.</param>
/// <param name="SqnrDecibels">Over all quantized weights.</param>
/// <param name="CosineSimilarity">Over all quantized weights.</param>
/// <param name="SpectralDistortion">Over all quantized matrices.</param>
/// <param name="OutlierRetention">Mean over the weights of their matrices' retention.</param>
/// <param name="Perplexity">Of the held-out text.</param>
/// <param name="TeacherDivergence">Mean KL from the full-precision model, nats a token.</param>
internal sealed record RoundingRow(
    int Bits,
    string Case,
    double MeanSquaredError,
    double SqnrDecibels,
    double CosineSimilarity,
    double SpectralDistortion,
    double OutlierRetention,
    double Perplexity,
    double TeacherDivergence);
