namespace Pique.Training;

/// <summary>A file of a checkpoint about to be written.</summary>
/// <param name="Name">Its name, without folders.</param>
/// <param name="Write">Writes its content to a stream that counts its position.</param>
public sealed record CheckpointFile(string Name, Action<Stream> Write);
