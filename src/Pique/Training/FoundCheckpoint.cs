namespace Pique.Training;

/// <summary>The checkpoint to continue from.</summary>
/// <param name="Folder">Its folder; every file in it is sound.</param>
/// <param name="IsComplete">Whether the checkpoints it requires are sound too.</param>
public sealed record FoundCheckpoint(string Folder, bool IsComplete);
