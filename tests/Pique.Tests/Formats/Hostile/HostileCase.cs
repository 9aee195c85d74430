namespace Pique.Tests.Formats.Hostile;

/// <summary>A malformed file or folder and the error it must end in.</summary>
/// <param name="Name">What is wrong with it, in kebab case.</param>
/// <param name="Entry">What opens it.</param>
/// <param name="Files">Content by file name; a single file for the entries that open files.</param>
/// <param name="Message">The whole text of the error, with {path} for the path that was opened.</param>
internal sealed record HostileCase(string Name, HostileEntry Entry, IReadOnlyDictionary<string, byte[]> Files, string Message)
{
    public override string ToString() => $"{Entry}/{Name}";
}
