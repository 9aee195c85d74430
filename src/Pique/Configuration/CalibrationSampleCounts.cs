namespace Pique.Configuration;

/// <summary>How many records of each domain calibration looks at.</summary>
public sealed record CalibrationSampleCounts
{
    /// <summary>Running text.</summary>
    public int General { get; init; }

    /// <summary>Problems with a written chain of thought.</summary>
    public int Reasoning { get; init; }

    /// <summary>Requests answered by a tool call.</summary>
    public int ToolUse { get; init; }

    /// <summary>Program text.</summary>
    public int Code { get; init; }

    /// <summary>Records of a domain.</summary>
    /// <param name="domain">The domain.</param>
    public int Of(DataDomain domain) => domain switch
    {
        DataDomain.General => General,
        DataDomain.Reasoning => Reasoning,
        DataDomain.ToolUse => ToolUse,
        DataDomain.Code => Code,
        _ => throw new ArgumentOutOfRangeException(nameof(domain), domain, "Unknown domain."),
    };
}
