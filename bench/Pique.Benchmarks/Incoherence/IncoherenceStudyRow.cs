namespace Pique.Benchmarks.Incoherence;

/// <summary>What rounding costs a model, rotated or not.</summary>
/// <param name="Bits">Bits a code.</param>
/// <param name="Case">What was done to the model before.</param>
/// <param name="MeanIncoherence">Mean μ of the rounded layers.</param>
/// <param name="LargestIncoherence">Largest μ of a rounded layer.</param>
/// <param name="SqnrDecibels">Over all rounded weights.</param>
/// <param name="Perplexity">Of the held-out text.</param>
/// <param name="TeacherDivergence">Mean KL from the full-precision model, nats a token.</param>
internal sealed record IncoherenceStudyRow(
    int Bits, string Case, double MeanIncoherence, double LargestIncoherence, double SqnrDecibels, double Perplexity, double TeacherDivergence);
