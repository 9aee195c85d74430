namespace Pique.Configuration;

/// <summary>What a record is about; metrics and calibration are reported by it.</summary>
public enum DataDomain
{
    /// <summary>Running text.</summary>
    General,

    /// <summary>Problems with a written chain of thought.</summary>
    Reasoning,

    /// <summary>Requests answered by a tool call in JSON.</summary>
    ToolUse,

    /// <summary>Program text.</summary>
    Code,
}
