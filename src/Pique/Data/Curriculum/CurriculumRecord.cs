namespace Pique.Data;

/// <summary>A generated record with the facts that decide whether it is held out.</summary>
/// <param name="Record">The record.</param>
/// <param name="ContentKey">Its facts without the wording: the calculation, the call, or the story's cast and plot.</param>
internal readonly record struct CurriculumRecord(DataRecord Record, string ContentKey);
