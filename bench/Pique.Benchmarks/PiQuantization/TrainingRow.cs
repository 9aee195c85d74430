namespace Pique.Benchmarks.PiQuantization;

/// <summary>What one short training run ends in.</summary>
/// <param name="Bits">Bits a code.</param>
/// <param name="Grid">Grid and learning rate of its parameter.</param>
/// <param name="Seed">Seed of the run: the order of the data.</param>
/// <param name="Perplexity">Of the held-out text.</param>
/// <param name="TeacherDivergence">Mean KL from the full-precision model, nats a token.</param>
/// <param name="Reasoning">Share of held-out problems answered exactly; null where the data has none.</param>
/// <param name="StepChange">Mean of |Δstep|/step over the channels, from the first step of training to the last.</param>
internal sealed record TrainingRow(
    int Bits, string Grid, long Seed, double Perplexity, double TeacherDivergence, double? Reasoning, double StepChange);
