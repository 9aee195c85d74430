using Pique.Configuration;
using Pique.Formats;
using Pique.Pipeline;

namespace Pique.Benchmarks.PiQuantization;

/// <summary>A model under study, its full-precision twin and its data.</summary>
internal sealed class StudyModel : IDisposable
{
    private const int CurriculumContextTokens = 192;
    private const int BatchTokens = 8 * CurriculumContextTokens;

    /// <summary>Seed of the records, apart from that of the embedded model's own training data.</summary>
    private const long CurriculumSeed = 20;

    private StudyModel(Recipe recipe, LoadedModel teacher, PreparedData data)
    {
        Recipe = recipe;
        Teacher = teacher;
        Data = data;
    }

    /// <summary>Model and data; the quantization is each case's own.</summary>
    public Recipe Recipe { get; }

    /// <summary>The model in full precision.</summary>
    public LoadedModel Teacher { get; }

    /// <summary>Held-out rows, and training rows in the order of seed 0.</summary>
    public PreparedData Data { get; }

    /// <summary>Name of the model's folder.</summary>
    public string Name => Path.GetFileName(Path.TrimEndingDirectorySeparator(Recipe.Model));

    /// <summary>Loads a model and its data.</summary>
    /// <param name="model">Folder of the model.</param>
    /// <param name="text">Text file; null for the synthetic curriculum.</param>
    public static StudyModel Load(string model, string? text)
    {
        Recipe recipe = new()
        {
            Model = model,
            Data = text is null
                ? new() { Curriculum = new() { General = 200, Reasoning = 600, ToolUse = 800, Seed = CurriculumSeed, HeldOut = 120 }, ContextTokens = CurriculumContextTokens }
                : new() { Files = [new() { Path = text }] },
            Training = new() { BatchTokens = BatchTokens },

            // Their learned scales would share the learning rate that the comparison changes.
            Overrides = [new() { Pattern = "*embed_tokens", FullPrecision = true }, new() { Pattern = "lm_head", FullPrecision = true }],
        };
        LoadedModel teacher = ModelLoader.Load(model);
        return new(recipe, teacher, PreparedData.Create(PreparedData.Divide(recipe.Data), teacher.Tokenizer, recipe.Data.ContextTokens, recipe.Training));
    }

    /// <inheritdoc/>
    public void Dispose() => Teacher.Dispose();
}
