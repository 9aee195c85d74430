namespace Pique.Configuration;

/// <summary>What a configuration file or preset turned out to hold. A closed choice.</summary>
public abstract record ConfigurationSource
{
    private ConfigurationSource()
    {
    }

    /// <summary>A configuration alone: model and data come from elsewhere.</summary>
    /// <param name="Config">The configuration, valid.</param>
    public sealed record Bare(QatConfig Config) : ConfigurationSource;

    /// <summary>A recipe of quantization-aware training.</summary>
    /// <param name="Recipe">The recipe, valid, its paths absolute.</param>
    public sealed record Training(Recipe Recipe) : ConfigurationSource;

    /// <summary>A recipe of full-precision training.</summary>
    /// <param name="Recipe">The recipe, valid, its paths absolute.</param>
    public sealed record Pretraining(PretrainRecipe Recipe) : ConfigurationSource;

    /// <summary>Finds a preset by its name, or else loads a file. A file named like a preset is reached as ./name.</summary>
    /// <param name="nameOrPath">Name of a preset, in any case, or path of a file.</param>
    /// <returns>What it holds.</returns>
    /// <exception cref="InputException">It is no preset, and no file that can be read.</exception>
    /// <exception cref="ConfigurationException">The file's text or a value in it is wrong; lists every fault.</exception>
    public static ConfigurationSource Resolve(string nameOrPath)
    {
        ArgumentNullException.ThrowIfNull(nameOrPath);
        if (Presets.TryGet(nameOrPath, out QatConfig? preset))
        {
            return new Bare(preset);
        }

        if (!Path.Exists(nameOrPath))
        {
            string nearest = NearestName.Of(nameOrPath, Presets.Names) ?? Presets.Names[0];
            throw new InputException(
                $"{FaultCollector.Quote(nameOrPath)} is neither a preset nor a file; the presets are {string.Join(", ", Presets.Names)}. Write {nearest}, or the path of a configuration file.");
        }

        return RecipeFile.Load(nameOrPath);
    }
}
