using System.Text;
using System.Text.Json;

namespace Pique.Configuration;

/// <summary>Loads configuration files.</summary>
public static class RecipeFile
{
    /// <summary>Longest configuration file that is read, in bytes.</summary>
    public const int MaxFileBytes = 1 << 20;

    private static readonly string[] PretrainFields = ["architecture", "tokenizer", "initial_model"];
    private static readonly string[] RecipeFields = ["qat", "model", "teacher", "data", "activation_bits", "grid", "estimator", "pi_k_per_channel", "oscillation_dampening", "training", "lora", "calibration", "overrides"];

    /// <summary>Loads a recipe or a configuration alone, told apart by their fields. Relative paths within become absolute, from the file's folder.</summary>
    /// <param name="path">Path of the file.</param>
    /// <returns>What the file holds.</returns>
    /// <exception cref="InputException">The file is missing, a folder, not readable, not UTF-8 or longer than <see cref="MaxFileBytes"/>.</exception>
    /// <exception cref="ConfigurationException">The text or a value in it is wrong; lists every fault.</exception>
    public static ConfigurationSource Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string json = ReadText(path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        HashSet<string> fields = RootFields(json);
        if (fields.Overlaps(PretrainFields))
        {
            PretrainRecipe recipe = PretrainRecipeJson.Read(json, path);
            return new ConfigurationSource.Pretraining(recipe with
            {
                InitialModel = recipe.InitialModel is null ? null : Path.GetFullPath(recipe.InitialModel, folder),
                Data = Resolve(recipe.Data, folder),
            });
        }

        if (fields.Overlaps(RecipeFields))
        {
            Recipe recipe = RecipeJson.Read(json, path);
            return new ConfigurationSource.Training(recipe with
            {
                Model = Path.GetFullPath(recipe.Model, folder),
                Teacher = recipe.Teacher is null ? null : Path.GetFullPath(recipe.Teacher, folder),
                Data = Resolve(recipe.Data, folder),
                Calibration = recipe.Calibration with { Artifact = recipe.Calibration.Artifact is { } artifact ? Path.GetFullPath(artifact, folder) : null },
                Training = Resolve(recipe.Training, folder),
            });
        }

        return new ConfigurationSource.Bare(QatConfigJson.Read(json, path));
    }

    private static DataRecipe Resolve(DataRecipe data, string folder) =>
        data with { Files = [.. data.Files.Select(file => file with { Path = Path.GetFullPath(file.Path, folder) })] };

    private static TrainingRecipe Resolve(TrainingRecipe training, string folder) =>
        training.TeacherCache is { Folder: { } kept } cache ? training with { TeacherCache = cache with { Folder = Path.GetFullPath(kept, folder) } } : training;

    private static HashSet<string> RootFields(string json)
    {
        using JsonDocument? document = ConfigurationDocument.Parse(json, new FaultCollector());
        return document?.RootElement.ValueKind == JsonValueKind.Object ? [.. document.RootElement.EnumerateObject().Select(field => field.Name)] : [];
    }

    /// <summary>Reads a configuration's text.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="InputException">The file is missing, a folder, not readable, not UTF-8 or longer than <see cref="MaxFileBytes"/>.</exception>
    internal static string ReadText(string path)
    {
        if (Directory.Exists(path))
        {
            throw new InputException($"{path}: found a folder, expected a configuration file; name the file within it.");
        }

        try
        {
            using FileStream stream = File.OpenRead(path);
            byte[] buffer = new byte[MaxFileBytes + 1];
            int length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > MaxFileBytes)
            {
                throw new InputException($"{path}: found more than {MaxFileBytes} bytes, expected a configuration of a few thousand; check that it is the right file.");
            }

            using StreamReader reader = new(new MemoryStream(buffer, 0, length), new UTF8Encoding(false, throwOnInvalidBytes: true));
            return reader.ReadToEnd();
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: found no such file, expected a configuration; check the path.", error);
        }
        catch (DecoderFallbackException error)
        {
            throw new InputException($"{path}: found bytes that are no UTF-8, expected JSON text; save the file as UTF-8.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InputException($"{path}: the file cannot be read ({error.Message}); check its path and permissions.", error);
        }
    }
}
