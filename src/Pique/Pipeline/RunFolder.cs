using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pique.Formats;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>The folder that holds everything of one run, kept to this run until disposed.</summary>
public sealed class RunFolder : IDisposable
{
    /// <summary>The resolved recipe.</summary>
    public const string RecipeName = "recipe.json";

    private const string AccumulationSteps = "accumulation_steps";
    private const string GradientCheckpointing = "gradient_checkpointing";

    private readonly string _recipeJson;
    private readonly bool _isNew;

    private RunFolder(string path, string recipeJson, RunLock runLock, bool isNew, string? change)
    {
        Path = path;
        _recipeJson = recipeJson;
        Lock = runLock;
        _isNew = isNew;
        Change = change;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The lock on it.</summary>
    public RunLock Lock { get; }

    /// <summary>What a resumed run does otherwise than it began, where that lets it end in other bytes; null for nothing.</summary>
    public string? Change { get; }

    /// <summary>Makes a new run folder, or opens that of the same recipe to resume it. What a step takes of memory may differ: training.accumulation_steps and training.gradient_checkpointing.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="recipeJson">The resolved recipe.</param>
    /// <param name="resume">Whether to continue a run.</param>
    /// <exception cref="RunFolderInUseException">Another run has it.</exception>
    /// <exception cref="InputException">It holds another run, or nothing to resume, or cannot be written.</exception>
    public static RunFolder Open(string path, string recipeJson, bool resume)
    {
        bool isNew = !Directory.Exists(path);
        string recipePath = System.IO.Path.Combine(path, RecipeName);
        if (resume)
        {
            RequireRun(path, recipePath);
        }
        else if (File.Exists(path))
        {
            throw new InputException($"{path}: is a file where the folder of the run is to be made. Choose another folder with --out.");
        }
        else if (!isNew && !File.Exists(System.IO.Path.Combine(path, RunLock.FileName)))
        {
            RequireEmpty(path); // Never a run's folder: a refusal leaves no lock in it.
        }

        RunLock runLock = RunLock.Acquire(path);
        try
        {
            if (!resume)
            {
                Begin(path, recipePath, recipeJson);
                return new RunFolder(path, recipeJson, runLock, isNew, change: null);
            }

            (string began, string? change) = RequireSameRecipe(recipePath, recipeJson);
            return new RunFolder(path, began, runLock, isNew, change);
        }
        catch
        {
            runLock.Dispose();
            throw;
        }
    }

    /// <summary>Lets go of the folder.</summary>
    public void Dispose() => Lock.Dispose();

    /// <summary>Takes away what a new run wrote before its first checkpoint, and the folder itself where it was made for the run.</summary>
    public void RemoveUntrained()
    {
        string checkpoints = Of(Trainer.CheckpointsName);
        if (Directory.Exists(checkpoints) && Directory.EnumerateFileSystemEntries(checkpoints).Any())
        {
            return;
        }

        try
        {
            foreach (string entry in EntriesOf(Path).ToArray())
            {
                if (Directory.Exists(entry))
                {
                    Directory.Delete(entry, recursive: true);
                }
                else
                {
                    File.Delete(entry);
                }
            }

            if (_isNew)
            {
                Directory.Delete(Path, recursive: true);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Why the run was refused is what to report.
        }
    }

    /// <summary>What a folder holds beside the lock, which an earlier process may have left.</summary>
    /// <param name="path">An existing folder.</param>
    public static IEnumerable<string> EntriesOf(string path) =>
        Directory.EnumerateFileSystemEntries(path).Where(entry => System.IO.Path.GetFileName(entry) != RunLock.FileName);

    /// <summary>Path of a file or folder of the run.</summary>
    /// <param name="name">Its name.</param>
    public string Of(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>SHA-256 over the recipe and everything else that must be equal for a resumed run to equal an uninterrupted one.</summary>
    /// <param name="parts">Digests of data and models.</param>
    public string Digest(params IReadOnlyList<string> parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', [_recipeJson, .. parts]))));

    private static void Begin(string path, string recipePath, string recipeJson)
    {
        RequireEmpty(path);
        try
        {
            AtomicFile.Write(recipePath, stream => stream.Write(Encoding.UTF8.GetBytes(recipeJson)));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the output folder cannot be written ({failure.Message}). Choose a folder you may write to with --out.", failure);
        }

        DirectorySync.Flush(path);
    }

    private static void RequireEmpty(string path)
    {
        if (EntriesOf(path).Any())
        {
            throw new InputException($"{path}: the output folder is not empty. Continue the run in it with --resume, or choose another folder with --out.");
        }
    }

    private static void RequireRun(string path, string recipePath)
    {
        if (!File.Exists(recipePath))
        {
            throw new InputException($"{path}: holds no run to resume ({RecipeName} is missing). Start it without --resume, or name the folder of an earlier run with --out.");
        }
    }

    /// <returns>The recipe that the run began with, by which checkpoints know it, and what is new of the one given now.</returns>
    private static (string Began, string? Change) RequireSameRecipe(string recipePath, string recipeJson)
    {
        string found = File.ReadAllText(recipePath);
        if (found == recipeJson)
        {
            return (found, null);
        }

        if (Parse(found) is not { } began)
        {
            // What a damaged disk left of it says nothing. Whether the run is this one, the checkpoints know by their digest.
            AtomicFile.Write(recipePath, stream => stream.Write(Encoding.UTF8.GetBytes(recipeJson)));
            return (recipeJson, null);
        }

        JsonNode given = JsonNode.Parse(recipeJson)!;
        string partsBefore = Take(began, AccumulationSteps), partsNow = Take(given, AccumulationSteps);
        Take(began, GradientCheckpointing);
        Take(given, GradientCheckpointing);
        if (!JsonNode.DeepEquals(began, given))
        {
            throw new InputException($"{recipePath}: the run was started with other choices than those given now. Resume it with the same ones, or start a new run in another folder.");
        }

        return (found, partsBefore == partsNow
            ? null
            : $"training.accumulation_steps: {partsBefore} as the run began, {partsNow} now. The parts' gradients add up in another order, so the run will end in other bytes than with {partsBefore}.");
    }

    /// <summary>Takes a field of the part "training" out of a recipe.</summary>
    private static string Take(JsonNode recipe, string field)
    {
        if (recipe is not JsonObject || recipe["training"] is not JsonObject training)
        {
            return "";
        }

        string value = training[field]?.ToJsonString() ?? "";
        training.Remove(field);
        return value;
    }

    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
