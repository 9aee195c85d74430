namespace Pique.Tests;

/// <summary>Real checkpoints and texts that lie beside the repository on some machines; tests that need them are skipped elsewhere.</summary>
internal static class SharedData
{
    /// <summary>Path of a shared file or folder, or null where it is absent.</summary>
    /// <param name="relativePath">Path below the data folder, with forward slashes.</param>
    public static string? Find(string relativePath)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "shared", "data", relativePath);
            if (Path.Exists(candidate))
                return candidate;
        }

        return null;
    }

    /// <summary>Path of a shared file or folder; skips the running test where it is absent.</summary>
    /// <param name="relativePath">Path below the data folder, with forward slashes.</param>
    public static string PathOrSkip(string relativePath)
    {
        string? path = Find(relativePath);
        Assert.SkipWhen(path is null, $"shared data not present: {relativePath}");
        return path!;
    }
}
