using Pique.Evaluation;
using Pique.Models.Rotation;

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

    /// <summary>Name and value per step of each loss; NaN where a step was passed over.</summary>
    public required IReadOnlyList<(string Name, IReadOnlyList<double> Values)> Losses { get; init; }

    /// <summary>Every quantized layer.</summary>
    public required IReadOnlyList<LayerSummary> Layers { get; init; }

    /// <summary>What the rotation did to every layer; none where nothing was rotated.</summary>
    public IReadOnlyList<LayerIncoherence> Incoherence { get; init; } = [];
}
