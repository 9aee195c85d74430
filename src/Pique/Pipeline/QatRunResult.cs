using Pique.Evaluation;
using Pique.Formats.Gguf.Export;

namespace Pique.Pipeline;

/// <summary>Outcome of a run.</summary>
public sealed record QatRunResult
{
    /// <summary>Rows of the closing table: teacher, ptq, qat.</summary>
    public required IReadOnlyList<ModelScore> Scores { get; init; }

    /// <summary>The packed model's folder.</summary>
    public required string ModelFolder { get; init; }

    /// <summary>The model as a GGUF file; null where llama.cpp has no form for it, which was then warned of.</summary>
    public GgufExport? Gguf { get; init; }

    /// <summary>The report page.</summary>
    public required string ReportPath { get; init; }

    /// <summary>Training steps done.</summary>
    public required int Steps { get; init; }

    /// <summary>Step whose weights the model has: the last one, or that of the lowest held-out loss where the recipe keeps it.</summary>
    public required int FinalStep { get; init; }

    /// <summary>Lowest held-out loss measured while training, in nats per token; null where it was not measured.</summary>
    public double? BestHeldOutLoss { get; init; }

    /// <summary>Steps passed over for a loss or gradient that was not finite.</summary>
    public required int SkippedSteps { get; init; }

    /// <summary>SHA-256 of the teacher's parameters, equal before and after training; null without a teacher.</summary>
    public string? TeacherDigest { get; init; }

    /// <summary>SHA-256 of the packed model's parameters, dequantized.</summary>
    public required string ModelDigest { get; init; }
}
