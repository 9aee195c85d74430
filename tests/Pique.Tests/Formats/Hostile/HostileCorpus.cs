using System.Runtime.CompilerServices;

namespace Pique.Tests.Formats.Hostile;

/// <summary>All malformed files by name: made anew by the generators, and as they are committed.</summary>
internal static class HostileCorpus
{
    /// <summary>Every case, in a fixed order.</summary>
    public static IReadOnlyList<HostileCase> Cases { get; } =
        [.. HostileGguf.Cases(), .. HostileSafetensors.Cases(), .. HostileFolders.Cases(), .. HostileModels.Cases()];

    /// <summary>The committed files, copied beside the tests.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Formats", "Hostile", "Corpus");

    /// <summary>Finds a case by what it is called in the list of tests.</summary>
    public static HostileCase Find(string name) => Cases.Single(hostile => hostile.ToString() == name);

    /// <summary>What is handed to the entry: the one file, or the folder.</summary>
    /// <param name="root">Folder of the corpus.</param>
    /// <param name="hostile">The case.</param>
    public static string PathOf(string root, HostileCase hostile) => IsFile(hostile)
        ? Path.Combine(root, $"{hostile.Entry}", hostile.Files.Keys.Single())
        : Path.Combine(root, $"{hostile.Entry}", hostile.Name);

    /// <summary>Writes a case.</summary>
    public static void Write(string root, HostileCase hostile)
    {
        string folder = IsFile(hostile) ? Path.GetDirectoryName(PathOf(root, hostile))! : PathOf(root, hostile);
        Directory.CreateDirectory(folder);
        foreach ((string name, byte[] content) in hostile.Files)
            File.WriteAllBytes(Path.Combine(folder, name), content);
    }

    /// <summary>The folder in the source tree.</summary>
    public static string SourceFolder([CallerFilePath] string thisFile = "") => Path.Combine(Path.GetDirectoryName(thisFile)!, "Corpus");

    private static bool IsFile(HostileCase hostile) => hostile.Entry is HostileEntry.Gguf or HostileEntry.Safetensors;
}
