using Pique.Configuration;
using Pique.Data;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Interop.Tests.Fixture;
using Pique.Models.Generation;
using Pique.Pipeline;

namespace Pique.Interop.Tests.Pipeline;

/// <summary>What a training run ships is as good in llama.cpp as it was measured here.</summary>
public sealed class TrainedModelTests(LlamaCpp llamaCpp) : IDisposable
{
    private const int ContextTokens = 192;
    private const int Problems = 200;
    private const long Seed = 77;
    private const double PerplexityTolerance = 0.005;
    private const double AccuracyTolerance = 0.01;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("piq3", false)]
    [InlineData("piq2", false)]
    [InlineData("piq3", true)]
    [InlineData("piq2", true)]
    public void Perplexity_and_answers_of_the_embedded_model_are_those_of_llama_cpp(string preset, bool byAdapters)
    {
        llamaCpp.SkipIfMissing();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Recipe recipe = Recipe(((ConfigurationSource.Bare)ConfigurationSource.Resolve(preset)).Config) with { Lora = byAdapters ? new LoraRecipe() : null };
        QatRunResult result = new QatPipeline(TimeProvider.System).Run(recipe, _folder.File("run"), resume: false, cancellation)!;
        using LoadedModel ours = ModelLoader.Load(result.ModelFolder);
        using LlamaCppModel theirs = llamaCpp.Load(result.Gguf!.Path, ContextTokens);
        PreparedData data = PreparedData.Create(PreparedData.Divide(recipe.Data), ours.Tokenizer, ContextTokens, recipe.Training);

        Assert.True(result.Gguf.IsExact);
        double perplexity = LanguageModelEvaluator.Evaluate(ours.Model, data.HeldOut.Batches(0).Take(1), textBytes: 1, cancellationToken: cancellation).Perplexity;
        Assert.Equal(perplexity, Math.Exp(theirs.NegativeLogLikelihood(data.HeldOut.Batches(0).Take(1))), perplexity * PerplexityTolerance);

        SourcedRecord[] problems = [.. SourcedRecord.FromSequence(Curriculum.HeldOut(new(General: 0, Reasoning: Problems, ToolUse: 0, Seed)), "problems")];
        double accuracy = AnswerEvaluator.Reasoning(ours.Model, ours.Tokenizer, problems, cancellation)!.Accuracy;
        Assert.Equal(accuracy, problems.Count(problem => IsSolved(theirs, ours.Tokenizer, problem)) / (double)Problems, AccuracyTolerance);
    }

    private static bool IsSolved(LlamaCppModel model, ITextTokenizer tokenizer, SourcedRecord problem)
    {
        const int SpareTokens = 16;
        DataRecord.Reasoning record = (DataRecord.Reasoning)problem.Record;
        int responseTokens = tokenizer.Encode(RecordTemplate.Response(record), continuation: true).Count;
        IReadOnlyList<int> prompt = new RecordTokenizer(tokenizer, ContextTokens).EncodePrompt(problem);
        GeneratedSequence answer = model.Greedy(prompt, responseTokens + SpareTokens, tokenizer.EndOfTextId!.Value);
        return AnswerScoring.IsCorrect(tokenizer.Decode(answer.TokenIds, continuation: true), record);
    }

    /// <summary>A short training: enough that the weights are not those of rounding.</summary>
    private static Recipe Recipe(QatConfig preset) => new()
    {
        Qat = preset with { Epochs = 1, WarmupEpochs = 0 },
        Model = EmbeddedModel(),
        Data = new DataRecipe
        {
            Curriculum = new CurriculumRecipe { General = 20, Reasoning = 120, ToolUse = 60, Seed = Seed, HeldOut = 16 },
            ContextTokens = ContextTokens,
        },
        Training = new TrainingRecipe { BatchTokens = 4 * ContextTokens, WeightLearningRate = 2e-4f, ScheduleWarmupSteps = 2 },
    };

    private static string EmbeddedModel()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!Directory.Exists(Path.Combine(folder!.FullName, "models", "pique-tiny")))
            folder = folder.Parent;
        return Path.Combine(folder.FullName, "models", "pique-tiny");
    }
}
