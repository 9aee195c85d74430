using Pique.Configuration;
using Pique.Data;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Formats.Tokenizers;
using Pique.Models.Llama;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>Trains a Llama in full precision from nothing: vocabulary, weights, evaluation.</summary>
/// <param name="time">The clock.</param>
public sealed class Pretraining(TimeProvider time)
{
    /// <summary>Folder of the trained model inside the run folder.</summary>
    public const string ModelFolderName = "model";

    /// <summary>Folder of the trained vocabulary inside the run folder.</summary>
    public const string TokenizerFolderName = "tokenizer";

    /// <summary>Texts the vocabulary is trained on; more do not change its merges noticeably.</summary>
    private const int TokenizerTrainingRecords = 20_000;

    /// <summary>Whether products take MKL's fast path, to be noted in checkpoints and compared on a resume; null where unknown.</summary>
    public bool? FastMath { get; init; }

    /// <summary>Tells how much memory the process may have.</summary>
    internal Func<long?> AvailableBytes { get; init; } = () => new AvailableMemory().Bytes;

    /// <summary>Raised as the run goes on.</summary>
    public event Action<TrainingEvent>? Reported;

    /// <summary>Runs a recipe.</summary>
    /// <param name="recipe">The recipe; its paths are absolute or relative to the current folder.</param>
    /// <param name="runFolder">Folder of the run; made where it is missing.</param>
    /// <param name="resume">Continue from the newest checkpoint.</param>
    /// <param name="cancellationToken">Ends the run, training in a checkpoint.</param>
    /// <returns>Figures on held-out data, or null where the run was interrupted and can be resumed.</returns>
    /// <exception cref="ConfigurationException">The recipe is not valid.</exception>
    /// <exception cref="InputException">The data cannot be used, or the folder cannot be written.</exception>
    /// <exception cref="RunFailedException">Training diverged.</exception>
    public ModelScore? Run(PretrainRecipe recipe, string runFolder, bool resume, CancellationToken cancellationToken)
    {
        if (recipe.Validate() is { Count: > 0 } faults)
        {
            throw new ConfigurationException("recipe", faults);
        }

        try
        {
            return Train(recipe, runFolder, resume, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null; // Between two phases: nothing of the run is lost.
        }
    }

    private ModelScore? Train(PretrainRecipe recipe, string runFolder, bool resume, CancellationToken cancellationToken)
    {
        var memory = new MemoryModel { Student = ConfigOf(recipe.Architecture, recipe.Tokenizer.VocabularySize), States = recipe.Training.OptimizerStates };
        MemoryCheck.RequireHeld(memory, AvailableBytes());
        HeldOutSplit split = PreparedData.Divide(recipe.Data);
        using LoadedModel? initial = recipe.InitialModel is null ? null : LoadInitial(recipe);
        BytePairVocabulary? vocabulary = initial is null ? TrainVocabulary(split, recipe.Tokenizer.VocabularySize) : null;
        using RunFolder folder = RunFolder.Open(runFolder, PretrainRecipeJson.Write(recipe), resume);
        if (folder.Change is { } change)
            Reported?.Invoke(new TrainingEvent.Warned(change));
        try
        {
            return TrainIn(folder, recipe, split, initial, vocabulary, memory, resume, cancellationToken);
        }
        catch (InputException) when (!resume)
        {
            folder.RemoveUntrained();
            throw;
        }
    }

    private ModelScore? TrainIn(
        RunFolder folder, PretrainRecipe recipe, HeldOutSplit split, LoadedModel? initial, BytePairVocabulary? vocabulary, MemoryModel memory, bool resume, CancellationToken cancellationToken)
    {
        LoadedTokenizer tokenizer = initial is null
            ? WriteTokenizer(folder.Of(TokenizerFolderName), vocabulary!)
            : new LoadedTokenizer(initial.Tokenizer, initial.TokenizerFiles);
        PreparedData data = PreparedData.Create(split, tokenizer.Tokenizer, recipe.Data.ContextTokens, recipe.Training);

        using LlamaModel model = initial?.Model ?? NewModel(recipe, tokenizer.Tokenizer.VocabularySize);
        TrainerOptions options = TrainerOptions.From(recipe) with
        {
            RunFolder = folder.Path,
            RunLock = folder.Lock,
            Resume = resume,
            ConfigurationDigest = folder.Digest(data.Train.Digest, initial?.Digest ?? ""),
            FastMath = FastMath,
        };
        using (var trainer = new Trainer(model, data.Train, options, time: time, heldOutLoss: cancellation => HeldOutEvaluation.Loss(model, data, cancellation)))
        {
            if (AvailableBytes() is { } available)
            {
                MemorySetting setting = new(
                    Math.Min(data.Train.RowsPerBatch, data.Train.Statistics.Rows), recipe.Training.AccumulationSteps, recipe.Data.ContextTokens, recipe.Training.GradientCheckpointing);
                MemoryCheck.RequireRoom(trainer, memory, setting, available);
            }

            trainer.Reported += happening => Reported?.Invoke(happening);
            if (trainer.Run(cancellationToken).Interrupted)
            {
                return null;
            }
        }

        HuggingFaceWriter.Save(folder.Of(ModelFolderName), model, tokenizer.Tokenizer, tokenizer.SourceFiles);
        using LoadedModel saved = ModelLoader.Load(folder.Of(ModelFolderName));
        return HeldOutEvaluation.Measure("pretrained", saved.Model, saved.Tokenizer, data, teacher: null, ModelSize.Of(saved), cancellationToken);
    }

    private static BytePairVocabulary TrainVocabulary(HeldOutSplit split, int vocabularySize) => BytePairTrainer.Train(
        split.Train.Take(TokenizerTrainingRecords).Select(record => RecordTemplate.Prompt(record.Record) + RecordTemplate.Response(record.Record)),
        vocabularySize);

    private static LoadedTokenizer WriteTokenizer(string folder, BytePairVocabulary vocabulary)
    {
        TokenizerJsonWriter.Write(folder, vocabulary);
        return TokenizerLoader.Load(folder);
    }

    private static LlamaModel NewModel(PretrainRecipe recipe, int vocabularySize)
    {
        var model = new LlamaModel(ConfigOf(recipe.Architecture, vocabularySize));
        LlamaInitializer.Initialize(model, recipe.Training.Seed);
        return model;
    }

    private static LoadedModel LoadInitial(PretrainRecipe recipe)
    {
        LoadedModel initial = ModelLoader.Load(recipe.InitialModel!);
        LlamaConfig stated = ConfigOf(recipe.Architecture, recipe.Tokenizer.VocabularySize);
        if (initial.Model.Config == stated)
        {
            return initial;
        }

        initial.Dispose();
        throw new InputException(
            $"initial_model: {recipe.InitialModel} is {initial.Model.Config}, the recipe states {stated}. Copy its shape into architecture and tokenizer.");
    }

    private static LlamaConfig ConfigOf(ArchitectureRecipe architecture, int vocabularySize) => new()
    {
        VocabularySize = vocabularySize,
        HiddenSize = architecture.HiddenSize,
        IntermediateSize = architecture.IntermediateSize,
        LayerCount = architecture.Layers,
        HeadCount = architecture.Heads,
        KeyValueHeadCount = architecture.KeyValueHeads,
        HeadSize = architecture.HeadSize ?? (architecture.HiddenSize / architecture.Heads),
        ContextTokens = architecture.ContextTokens,
        RopeTheta = architecture.RopeTheta,
        TieWordEmbeddings = architecture.TieEmbeddings,
    };
}
