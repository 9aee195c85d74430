namespace Pique.Benchmarks.HostileFiles;

/// <summary>A valid file or folder that is damaged over and over, and what reads it whole.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Files">Its files by path, with the bytes they have when valid.</param>
/// <param name="Read">Reads all of it.</param>
internal sealed record SoakSubject(string Name, IReadOnlyList<(string Path, byte[] Content)> Files, Action Read)
{
    /// <summary>Takes the files of a folder.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="read">Reads all of it.</param>
    public static SoakSubject OfFolder(string name, string folder, Action<string> read) => new(
        name,
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => (path, File.ReadAllBytes(path)))],
        () => read(folder));

    /// <summary>Takes one file.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="path">The file.</param>
    /// <param name="read">Reads all of it.</param>
    public static SoakSubject OfFile(string name, string path, Action<string> read) => new(name, [(path, File.ReadAllBytes(path))], () => read(path));
}
