namespace Pique.Tests;

/// <summary>The model that the repository holds.</summary>
internal static class EmbeddedModel
{
    /// <summary>Its folder.</summary>
    public static string Folder { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "models", "pique-tiny");
            if (File.Exists(Path.Combine(candidate, "config.json")))
                return candidate;
        }

        throw new InvalidOperationException("models/pique-tiny is missing from the repository.");
    }
}
