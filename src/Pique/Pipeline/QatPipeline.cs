using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Data;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Models.Llama;
using Pique.Models.Rotation;
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
        using LoadedModel original = ModelLoader.Load(recipe.Model);
        using LoadedModel? teacherSource = recipe.Qat.UseDistillation ? ModelLoader.Load(recipe.Teacher ?? recipe.Model) : null;
        RequireFit(recipe, original, teacherSource);
        HeldOutSplit split = PreparedData.Divide(recipe.Data);
        PreparedData data = PreparedData.Create(split, original.Tokenizer, recipe.Data.ContextTokens, recipe.Training);
        RunFolder folder = RunFolder.Open(runFolder, RecipeJson.Write(recipe), resume);

        Phase(PipelinePhase.Rotate);
        using LlamaModel student = Rotated(original, recipe);
        using LlamaModel? teacher = teacherSource is null ? null : Rotated(teacherSource, recipe);

        Phase(PipelinePhase.Calibrate);
        using CalibrationArtifact calibration = Calibrate(recipe, student, original, split, folder, resume, cancellationToken);
        QuantizationPolicy policy = calibration.Resolve(QuantizationPolicy.From(recipe));

        Phase(PipelinePhase.Baseline);
        ModelScore teacherScore = Score("teacher", (teacherSource ?? original).Model, original, data, null, ModelSize.Of(teacherSource ?? original), cancellationToken);
        calibration.Prepare(student.QuantizableLayers, policy.SpecFor, recipe.ActivationBits);
        calibration.Dispose(); // The student holds the rounded weights now: training must not keep a second copy.
        ModelScore roundedScore = Score(
            "ptq", student, original, data, teacher, ModelSize.OfPacked(student, ModelQuantizer.Convert(student.QuantizableLayers)), cancellationToken);

        Phase(PipelinePhase.Train);
        TrainerOptions options = TrainerOptions.From(recipe) with
        {
            RunFolder = folder.Path,
            Resume = resume,
            ConfigurationDigest = folder.Digest(data.Train.Digest, original.Digest),
        };
        TrainingResult training;
        using (var trainer = new Trainer(student, data.Train, options, teacher, time))
        {
            trainer.Reported += happening => Reported?.Invoke(new PipelineEvent.Trained(happening));
            training = trainer.Run(cancellationToken);
        }

        if (training.Interrupted)
        {
            return null;
        }

        Phase(PipelinePhase.Convert);
        IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.Convert(student.QuantizableLayers);
        HuggingFaceWriter.SavePacked(folder.Of(ModelFolderName), student, packed, original.Tokenizer, original.TokenizerFiles);

        Phase(PipelinePhase.Evaluate);
        using LoadedModel trained = ModelLoader.Load(folder.Of(ModelFolderName));
        ModelScore trainedScore = Score("qat", trained.Model, trained, data, teacher, ModelSize.Of(trained), cancellationToken);
        IReadOnlyList<ModelScore> scores = [teacherScore, roundedScore with { FileBytes = trainedScore.FileBytes }, trainedScore];
        return new QatRunResult
        {
            Scores = scores,
            ModelFolder = folder.Of(ModelFolderName),
            ReportPath = RunReportFile.Write(folder, recipe, scores, student, packed),
            Steps = training.Steps,
            SkippedSteps = training.SkippedSteps,
            TeacherDigest = training.TeacherDigest,
            ModelDigest = trained.Digest,
        };
    }

    /// <summary>Calibrates and writes the artifact; a resumed run takes the one it wrote before.</summary>
    private CalibrationArtifact Calibrate(
        Recipe recipe, LlamaModel student, LoadedModel original, HeldOutSplit split, RunFolder folder, bool resume, CancellationToken cancellationToken)
    {
        string path = folder.Of(CalibrationFile.FileName);
        if (resume && File.Exists(path))
        {
            return CalibrationPhase.Load(path, recipe, original.Digest);
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
            SensitivityPlot.Save(SensitivityPlot.PathBeside(path), calibration.Sensitivity);
        }

        return calibration;
    }

    private static void RequireFit(Recipe recipe, LoadedModel model, LoadedModel? teacher)
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

        if (teacher.Model.Config.HiddenSize != model.Model.Config.HiddenSize && recipe.Qat.LossWeights.LambdaReasoning > 0)
        {
            throw new InputException(
                $"teacher: hidden states of {teacher.Path} have width {teacher.Model.Config.HiddenSize}, the model's {model.Model.Config.HiddenSize}, so the reasoning loss cannot compare them. Set loss_weights.lambda_reasoning to 0, or choose a teacher of the same width.");
        }
    }

    /// <summary>The model the recipe trains or follows: turned where incoherence is asked for, student and teacher by the same rotation.</summary>
    private LlamaModel Rotated(LoadedModel source, Recipe recipe) => recipe.Qat.UseIncoherence
        ? IncoherenceRotation.Apply(source.Model, recipe.Training.Seed, _logger)
        : source.Model;

    private ModelScore Score(
        string name, LlamaModel model, LoadedModel source, PreparedData data, LlamaModel? teacher, ModelSize size, CancellationToken cancellationToken)
    {
        ModelScore score = HeldOutEvaluation.Measure(name, model, source.Tokenizer, data, teacher, size, cancellationToken);
        Reported?.Invoke(new PipelineEvent.Scored(score));
        return score;
    }

    private void Phase(PipelinePhase phase) => Reported?.Invoke(new PipelineEvent.PhaseStarted(phase));
}
