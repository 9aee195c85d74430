using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pique.Adapters;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Data;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Formats.Gguf.Export;
using Pique.Formats.HuggingFace;
using Pique.Models;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Objectives;
using Pique.Quantization;
using Pique.Reporting;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>The main job: a recipe in, a trained low-bit model with its report out.</summary>
/// <param name="time">The clock.</param>
/// <param name="logger">Told of what is unusual; null for nobody.</param>
/// <remarks>
/// load → rotate → calibrate → prepare → measure the baseline → train → convert → measure what was written. The trained model is
/// measured as reloaded from its packed file, so that the figures are of the weights that ship.
/// </remarks>
public sealed class QatPipeline(TimeProvider time, ILogger? logger = null)
{
    /// <summary>Folder of the packed model inside the run folder.</summary>
    public const string ModelFolderName = "model";

    /// <summary>Folder of the trained adapters inside the run folder, where the recipe trains adapters.</summary>
    public const string AdapterFolderName = "adapter";

    /// <summary>The model as a GGUF file inside the run folder.</summary>
    public const string GgufName = "model.gguf";

    /// <summary>Folder of kept teacher outputs inside the run folder, where the recipe names no other.</summary>
    public const string TeacherOutputsFolderName = "teacher-outputs";

    /// <summary>Write an event file of TensorBoard into the run folder too.</summary>
    public bool TensorBoard { get; init; }

    /// <summary>Whether products take MKL's fast path, to be noted in checkpoints and compared on a resume; null where unknown.</summary>
    public bool? FastMath { get; init; }

    /// <summary>Tells how much memory the process may have.</summary>
    internal Func<long?> AvailableBytes { get; init; } = () => new AvailableMemory().Bytes;

    private readonly ILogger _logger = logger ?? NullLogger.Instance;

    /// <summary>Raised as the run goes on, on the thread of <see cref="Run"/>.</summary>
    public event Action<PipelineEvent>? Reported;

    /// <summary>Runs a recipe.</summary>
    /// <param name="recipe">The recipe; its paths are absolute or relative to the current folder.</param>
    /// <param name="runFolder">Folder of the run; made where it is missing.</param>
    /// <param name="resume">Continue from the newest checkpoint.</param>
    /// <param name="cancellationToken">Ends the run, training in a checkpoint.</param>
    /// <returns>The outcome, or null where the run was interrupted and can be resumed.</returns>
    /// <exception cref="ConfigurationException">The recipe is not valid.</exception>
    /// <exception cref="InputException">A model or the data cannot be used, or the folder cannot be written.</exception>
    /// <exception cref="RunFailedException">Training diverged.</exception>
    public QatRunResult? Run(Recipe recipe, string runFolder, bool resume, CancellationToken cancellationToken)
    {
        if (recipe.Validate() is { Count: > 0 } faults)
        {
            throw new ConfigurationException("recipe", faults);
        }

        try
        {
            return RunPhases(recipe, runFolder, resume, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null; // While measuring: what was trained so far lies in a checkpoint.
        }
    }

    private QatRunResult? RunPhases(Recipe recipe, string runFolder, bool resume, CancellationToken cancellationToken)
    {
        Phase(PipelinePhase.Load);
        RequireMemory(recipe, AvailableBytes());
        using LoadedModel original = Load(recipe.Model, recipe);
        using LoadedModel? teacherSource = recipe.Qat.UseDistillation && !SharesBase(recipe) ? Load(recipe.Teacher ?? recipe.Model, recipe) : null;
        RequireFit(recipe, original, teacherSource);
        if (original.Quantized.Count > 0 && recipe is { Qat.UseDistillation: true, Teacher: null })
            Reported?.Invoke(new PipelineEvent.Warned($"{recipe.Model}: is quantized already and teaches itself; name the full-precision model it was made from as the teacher."));
        HeldOutSplit split = PreparedData.Divide(recipe.Data);
        PreparedData data = PreparedData.Create(split, original.Tokenizer, recipe.Data.ContextTokens, recipe.Training);
        using RunFolder folder = RunFolder.Open(runFolder, RecipeJson.Write(recipe), resume);
        if (folder.Change is { } change)
            Reported?.Invoke(new PipelineEvent.Warned(change));
        try
        {
            return RunIn(folder, recipe, original, teacherSource, split, data, resume, cancellationToken);
        }
        catch (InputException) when (!resume)
        {
            folder.RemoveUntrained();
            throw;
        }
    }

    private QatRunResult? RunIn(
        RunFolder folder, Recipe recipe, LoadedModel original, LoadedModel? teacherSource, HeldOutSplit split, PreparedData data, bool resume, CancellationToken cancellationToken)
    {
        Phase(PipelinePhase.Rotate);
        long? rotationSeed = RotationSeedOf(original, recipe);
        ModelSize originalSize = ModelSize.Of(teacherSource ?? original);
        using LlamaModel? otherTeacher = teacherSource is null ? null : Rotated(teacherSource, rotationSeed, recipe.Lora?.Base, _logger);
        Release(teacherSource, otherTeacher, recipe);
        using LlamaModel student = Rotated(original, rotationSeed, recipe.Lora?.Base, _logger);
        IReadOnlyList<LayerIncoherence> incoherence = ReferenceEquals(student, original.Model) ? [] : IncoherenceComparison.Measure(original.Model, student);
        if (incoherence.Count > 0)
        {
            Reported?.Invoke(new PipelineEvent.Rotated(incoherence));
        }

        Release(original, student, recipe);
        using AdapterRun? adapters = recipe.Lora is null ? null : Adapt(student, recipe);
        CausalLanguageModel? teacher = recipe.Qat.UseDistillation ? otherTeacher ?? adapters!.Base : null;
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> trainedLayers = adapters?.Layers ?? student.QuantizableLayers;

        Phase(PipelinePhase.Calibrate);
        using CalibrationArtifact calibration = Calibrate(recipe, student, adapters, original, split, folder, resume, cancellationToken);
        QuantizationPolicy policy = calibration.Resolve(QuantizationPolicy.From(recipe), trainedLayers);
        ModelProvenance provenance = Provenance.Of(original, recipe.Qat, calibration, rotationSeed);

        Phase(PipelinePhase.Baseline);
        ModelScore teacherScore = Score("teacher", adapters is null ? (teacherSource ?? original).Model : otherTeacher ?? adapters.Base, original, data, null, originalSize, cancellationToken);
        if (adapters is null)
        {
            calibration.Prepare(trainedLayers, policy.SpecFor, recipe.ActivationBits);
        }
        else
        {
            adapters.Prepare(calibration, policy, recipe.ActivationBits);
        }

        calibration.Dispose(); // The student holds the rounded weights now: training must not keep a second copy.
        ModelScore roundedScore = Score(
            "ptq", student, original, data, teacher, ModelSize.OfPacked(student, ModelQuantizer.Convert(student.QuantizableLayers)), cancellationToken);

        Phase(PipelinePhase.Train);
        TrainerOptions options = TrainerOptions.From(recipe) with
        {
            RunFolder = folder.Path,
            RunLock = folder.Lock,
            TensorBoard = TensorBoard,
            Resume = resume,
            ConfigurationDigest = folder.Digest(data.Train.Digest, original.Digest),
            FastMath = FastMath,
            ComputeType = ComputeTypeChoice.Make(recipe.Training.ComputeType, student, time),
        };
        RequireRoom(recipe, student, teacher, options, original.Model.Config, teacherSource?.Model.Config, data);
        TrainingResult training = new(0, 0, 0, null, Interrupted: false, null);
        TrainerOptions? endToEnd = options;
        if (recipe.Training.Mode == TrainingMode.Blockwise)
        {
            (training, endToEnd) = BlockwisePhase.Run(
                recipe, student, otherTeacher!, data.Train, options, time, happening => Reported?.Invoke(new PipelineEvent.Trained(happening)), cancellationToken);
        }

        if (endToEnd is not null)
            training = TrainEndToEnd(endToEnd);

        TrainingResult TrainEndToEnd(TrainerOptions options)
        {
            using TeacherCache? teacherOutputs = TeacherOutputs(recipe, folder, teacher, data, cancellationToken);
            using var trainer = new Trainer(student, data.Train, options, teacher, time, teacherOutputs, cancellation => HeldOutEvaluation.Loss(student, data, cancellation));
            trainer.Reported += happening => Reported?.Invoke(new PipelineEvent.Trained(happening));
            return trainer.Run(cancellationToken);
        }

        if (training.Interrupted)
        {
            return null;
        }

        Phase(PipelinePhase.Convert);
        IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.Convert(student.QuantizableLayers);
        HuggingFaceWriter.SavePacked(folder.Of(ModelFolderName), student, packed, original.Tokenizer, original.TokenizerFiles, provenance);
        if (adapters is not null)
            AdapterFolder.Save(folder.Of(AdapterFolderName), adapters.Adapted, recipe.Model, recipe.Lora!.Dropout, rotationSeed);

        Phase(PipelinePhase.Evaluate);
        using LoadedModel trained = adapters is null ? ModelLoader.Load(folder.Of(ModelFolderName)) : ModelLoader.LoadFrozen(folder.Of(ModelFolderName), storage: null);
        GgufExport? gguf = ExportGguf(folder.Of(GgufName), trained, recipe);
        ModelScore trainedScore = Score("qat", trained.Model, trained, data, teacher, ModelSize.Of(trained), cancellationToken);
        IReadOnlyList<ModelScore> scores = [teacherScore, roundedScore with { FileBytes = trainedScore.FileBytes }, trainedScore];
        return new QatRunResult
        {
            Scores = scores,
            ModelFolder = folder.Of(ModelFolderName),
            Gguf = gguf,
            ReportPath = RunReportFile.Write(folder, recipe, scores, student, packed, incoherence),
            Steps = training.Steps,
            FinalStep = training.FinalStep,
            BestHeldOutLoss = training.BestHeldOutLoss,
            SkippedSteps = training.SkippedSteps,
            TeacherDigest = training.TeacherDigest,
            ModelDigest = trained.Digest,
        };
    }

    /// <summary>Calibrates and writes the artifact; a resumed run takes the one it wrote before.</summary>
    private CalibrationArtifact Calibrate(
        Recipe recipe, LlamaModel student, AdapterRun? adapters, LoadedModel original, HeldOutSplit split, RunFolder folder, bool resume, CancellationToken cancellationToken)
    {
        string path = folder.Of(CalibrationFile.FileName);
        if (adapters is not null)
        {
            CalibrationArtifact ofAdapted = adapters.Calibrate(recipe, original, time);
            CalibrationFile.Save(path, ofAdapted);
            return ofAdapted;
        }

        if (resume && CalibrationPhase.LoadLeft(path, recipe, original.Digest, fault => Reported?.Invoke(new PipelineEvent.Warned($"{fault} It is made anew."))) is { } left)
        {
            return left;
        }

        CalibrationArtifact calibration = CalibrationPhase.Run(
            recipe, student, original, split.Train, analyzesSensitivity: false, progress => Reported?.Invoke(new PipelineEvent.Calibrated(progress)), time, cancellationToken);
        foreach (string warning in calibration.Warnings)
        {
            Reported?.Invoke(new PipelineEvent.Warned(warning));
        }

        CalibrationFile.Save(path, calibration);
        if (calibration.Sensitivity.Count > 0)
        {
            string plot = SensitivityPlot.Save(SensitivityPlot.PathBeside(path), calibration.Sensitivity);
            Reported?.Invoke(new PipelineEvent.SensitivityDrawn(calibration.Sensitivity, plot));
        }

        return calibration;
    }

    /// <summary>Refuses models that memory has no room for, by their configurations alone.</summary>
    internal static void RequireMemory(Recipe recipe, long? availableBytes)
    {
        LlamaConfig student = ModelLoader.ReadConfig(recipe.Model);
        LlamaConfig? teacher = recipe.Qat.UseDistillation && !SharesBase(recipe) ? ModelLoader.ReadConfig(recipe.Teacher ?? recipe.Model) : null;
        MemoryCheck.RequireHeld(MemoryModel.Of(recipe, student, teacher), availableBytes);
    }

    /// <summary>The recipe's choices that decide how much memory a step takes.</summary>
    internal static MemorySetting SettingOf(Recipe recipe, PreparedData data) => new(
        Math.Min(data.Train.RowsPerBatch, data.Train.Statistics.Rows), recipe.Training.AccumulationSteps, recipe.Data.ContextTokens, TrainerOptions.From(recipe).Training.GradientCheckpointing);

    /// <summary>Refuses a run that memory has no room for before anything is spent on it: blocks, or outputs of the teacher. What is trained end to end takes more than any block.</summary>
    private void RequireRoom(
        Recipe recipe, LlamaModel student, CausalLanguageModel? teacher, TrainerOptions options, LlamaConfig studentConfig, LlamaConfig? teacherConfig, PreparedData data)
    {
        bool isBlockwise = recipe.Training.Mode == TrainingMode.Blockwise;
        if (AvailableBytes() is not { } available || (isBlockwise && !(recipe.Training.Blockwise ?? new()).ScalesEndToEnd))
        {
            return;
        }

        using IDisposable? arrangement = isBlockwise ? BlockwisePhase.ArrangeForScales(student) : null;
        using Trainer trainer = new(student, data.Train, (isBlockwise ? TrainerOptions.ForScales(recipe) : TrainerOptions.From(recipe)).ForRehearsal() with { ComputeType = options.ComputeType }, teacher, time);
        MemoryCheck.RequireRoom(trainer, MemoryModel.Of(recipe, studentConfig, teacherConfig), SettingOf(recipe, data), available);
    }

    internal static void RequireFit(Recipe recipe, LoadedModel model, LoadedModel? teacher)
    {
        if (recipe.Data.ContextTokens > model.Model.ContextTokens)
        {
            throw new InputException(
                $"data.context_tokens: {recipe.Data.ContextTokens} tokens, but {recipe.Model} was made for {model.Model.ContextTokens}. Set context_tokens to {model.Model.ContextTokens} or less.");
        }

        if (teacher is null)
        {
            return;
        }

        if (teacher.Model.VocabularySize != model.Model.VocabularySize)
        {
            throw new InputException(
                $"teacher: {teacher.Path} knows {teacher.Model.VocabularySize} tokens, the model {model.Model.VocabularySize}. Choose a teacher with the model's own vocabulary.");
        }

        BlockwisePhase.RequireFit(recipe, model.Model.Config, teacher.Model.Config, teacher.Path);

        if (teacher.Model.Config.HiddenSize != model.Model.Config.HiddenSize && recipe.Qat.LossWeights.LambdaReasoning > 0)
        {
            throw new InputException(
                $"teacher: hidden states of {teacher.Path} have width {teacher.Model.Config.HiddenSize}, the model's {model.Model.Config.HiddenSize}, so the reasoning loss cannot compare them. Set loss_weights.lambda_reasoning to 0, or choose a teacher of the same width.");
        }
    }

    /// <summary>Seed of the rotation the weights are trained under: that of a packed model that was turned before, else the recipe's; null for none.</summary>
    internal static long? RotationSeedOf(LoadedModel model, Recipe recipe) => model.Provenance?.RotationSeed ?? (recipe.Qat.UseIncoherence ? recipe.Training.Seed : null);

    /// <summary>Whether the teacher is the student without its adapters, and is no model of its own.</summary>
    internal static bool SharesBase(Recipe recipe) => recipe is { Lora: not null, Teacher: null };

    /// <summary>Frozen at once where adapters are trained; what is to be turned is read in float32, so that it is rounded once, after the rotation.</summary>
    internal static LoadedModel Load(string path, Recipe recipe) =>
        recipe.Lora is { } lora ? ModelLoader.LoadFrozen(path, recipe.Qat.UseIncoherence ? null : lora.Base) : ModelLoader.Load(path);

    /// <summary>The model the recipe trains or follows, student and teacher turned by the same rotation; a packed model that was turned before stays as it is.</summary>
    internal static LlamaModel Rotated(LoadedModel source, long? seed, FrozenStorage? storage, ILogger logger) => seed is { } rotation && source.Provenance?.RotationSeed is null
        ? IncoherenceRotation.Apply(source.Model, rotation, logger, storage)
        : source.Model;

    /// <summary>Frees weights that were read in float32 only to be turned into frozen ones, which may be larger than all the rest.</summary>
    /// <param name="source">The model as it was loaded.</param>
    /// <param name="model">What <see cref="Rotated"/> made of it.</param>
    /// <param name="recipe">The recipe.</param>
    internal static void Release(LoadedModel? source, LlamaModel? model, Recipe recipe)
    {
        if (recipe.Lora is not null && source is not null && !ReferenceEquals(source.Model, model))
            source.Model.Dispose();
    }

    private AdapterRun Adapt(LlamaModel student, Recipe recipe)
    {
        AdapterRun adapters = AdapterRun.Create(student, recipe, QuantizationPolicy.From(recipe));
        if (recipe.Lora!.Rank is LoraRank.Auto)
            Reported?.Invoke(new PipelineEvent.Warned($"lora.rank: auto, which became {adapters.Adapted.Rank}, the greatest of {string.Join(", ", LoraRank.Auto.Candidates)} that no adapted weight is too small for."));
        return adapters;
    }

    /// <summary>Writes the model for llama.cpp. A model that has no form there is no failure of the run: its packed folder is written.</summary>
    private GgufExport? ExportGguf(string path, LoadedModel trained, Recipe recipe)
    {
        try
        {
            GgufExport export = GgufModelWriter.Write(path, trained, new GgufExportOptions { Name = ModelName(recipe) });
            foreach (string warning in export.Warnings)
                Reported?.Invoke(new PipelineEvent.Warned($"{path}: {warning}."));
            return export;
        }
        catch (InputException failure)
        {
            Reported?.Invoke(new PipelineEvent.Warned($"{path}: was not written. {failure.Message}"));
            return null;
        }
    }

    private static string ModelName(Recipe recipe) =>
        string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(recipe.Model))}-{recipe.Qat.Bits}bit");

    private TeacherCache? TeacherOutputs(Recipe recipe, RunFolder folder, CausalLanguageModel? teacher, PreparedData data, CancellationToken cancellationToken) =>
        recipe.Training.TeacherCache is { } cache && teacher is not null
            ? TeacherCacheBuilder.OpenOrBuild(
                cache.Folder ?? folder.Of(TeacherOutputsFolderName),
                teacher,
                data.Train,
                cache.TopK,
                (rows, totalRows) => Reported?.Invoke(new PipelineEvent.TeacherOutputsKept(rows, totalRows)),
                fault => Reported?.Invoke(new PipelineEvent.Warned($"{fault}. The teacher outputs are made anew.")),
                cancellationToken)
            : null;

    private ModelScore Score(
        string name, CausalLanguageModel model, LoadedModel source, PreparedData data, CausalLanguageModel? teacher, ModelSize size, CancellationToken cancellationToken)
    {
        ModelScore score = HeldOutEvaluation.Measure(name, model, source.Tokenizer, data, teacher, size, cancellationToken);
        Reported?.Invoke(new PipelineEvent.Scored(score));
        return score;
    }

    private void Phase(PipelinePhase phase) => Reported?.Invoke(new PipelineEvent.PhaseStarted(phase));
}
