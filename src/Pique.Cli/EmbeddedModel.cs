namespace Pique.Cli;

/// <summary>The small model that is shipped with the program.</summary>
internal static class EmbeddedModel
{
    private static readonly string RelativePath = Path.Combine("models", "pique-tiny");

    /// <summary>Finds the model beside the program or in a folder above it.</summary>
    /// <returns>Its folder.</returns>
    /// <exception cref="InputException">It is not there.</exception>
    public static string Find() => Find(AppContext.BaseDirectory);

    /// <summary>Finds the model in a folder or one above it.</summary>
    /// <param name="startFolder">Where to begin.</param>
    /// <returns>Its folder.</returns>
    /// <exception cref="InputException">It is not there.</exception>
    public static string Find(string startFolder)
    {
        for (DirectoryInfo? folder = new(startFolder); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, RelativePath);
            if (File.Exists(Path.Combine(candidate, "config.json")))
            {
                return candidate;
            }
        }

        throw new InputException(
            $"{Path.Combine(startFolder, RelativePath)}: the embedded model is missing, expected beside the program or in a folder above it. Install pique again, or run it from a checkout that holds {RelativePath}.");
    }
}
