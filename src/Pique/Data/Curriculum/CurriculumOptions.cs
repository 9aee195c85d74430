namespace Pique.Data;

/// <summary>How many records of each kind the synthetic curriculum yields.</summary>
/// <param name="General">Number of stories.</param>
/// <param name="Reasoning">Number of word problems.</param>
/// <param name="ToolUse">Number of tool calls.</param>
/// <param name="Seed">Seed of every choice. Train and held-out content are disjoint whatever the seeds.</param>
public sealed record CurriculumOptions(int General, int Reasoning, int ToolUse, long Seed = 0);
