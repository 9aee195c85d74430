namespace Pique.Configuration;

/// <summary>Weights inside the reasoning loss, by the kind of reasoning; docs/math.md §4.</summary>
public enum ReasoningPreset
{
    /// <summary>For chains of thought in words: (0.3, 0.5, 0.2).</summary>
    Default,

    /// <summary>For written arithmetic: (0.4, 0.4, 0.4).</summary>
    Math,

    /// <summary>For program text: (0.2, 0.6, 0.3).</summary>
    Code,
}
