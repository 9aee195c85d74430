namespace Pique.Benchmarks.Calibration;

/// <summary>A model after calibration, or after training that began with it.</summary>
/// <param name="Grid">Bits and granularity.</param>
/// <param name="Case">How it was calibrated.</param>
/// <param name="Perplexity">Of the held-out text.</param>
/// <param name="TeacherDivergence">Mean KL from the full-precision model, nats a token.</param>
internal sealed record CalibrationRow(string Grid, string Case, double Perplexity, double TeacherDivergence);
