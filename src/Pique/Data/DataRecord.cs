using Pique.Configuration;

namespace Pique.Data;

/// <summary>One training or evaluation record. A closed choice.</summary>
public abstract record DataRecord
{
    private DataRecord()
    {
    }

    /// <summary>What the record is about.</summary>
    public abstract DataDomain Domain { get; }

    /// <summary>Running text: every token is trained on.</summary>
    /// <param name="Content">The text.</param>
    /// <param name="Subject">What the text is about, as the data file's entry in the recipe says.</param>
    public sealed record Text(string Content, DataDomain Subject = DataDomain.General) : DataRecord
    {
        /// <inheritdoc/>
        public override DataDomain Domain => Subject;
    }

    /// <summary>A problem, its chain of thought and its answer. Tokens of the prompt are masked out of the loss.</summary>
    /// <param name="Prompt">The problem.</param>
    /// <param name="Steps">The chain of thought, a step each, without line ends.</param>
    /// <param name="Answer">The final answer.</param>
    public sealed record Reasoning(string Prompt, IReadOnlyList<string> Steps, string Answer) : DataRecord
    {
        /// <inheritdoc/>
        public override DataDomain Domain => DataDomain.Reasoning;
    }

    /// <summary>A request and the JSON call that serves it. Tokens of the request are masked out of the loss.</summary>
    /// <param name="Prompt">The request.</param>
    /// <param name="Call">The call: a JSON object with "name" and "arguments".</param>
    public sealed record ToolCall(string Prompt, string Call) : DataRecord
    {
        /// <inheritdoc/>
        public override DataDomain Domain => DataDomain.ToolUse;
    }
}
