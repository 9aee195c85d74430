using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Formats;
using Pique.Models;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>Models and data as a run has them when it begins to train, for trying things out. It writes nothing.</summary>
internal sealed class RehearsalSetup : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    private RehearsalSetup(PreparedData data, TrainerOptions options, MemoryModel memory, MemorySetting memorySetting)
    {
        Data = data;
        Options = options;
        Memory = memory;
        MemorySetting = memorySetting;
    }

    /// <summary>The model, its quantizers in place.</summary>
    public LlamaModel Student { get; private set; } = null!;

    /// <summary>The teacher; null where the recipe has none.</summary>
    public CausalLanguageModel? Teacher { get; private set; }

    /// <summary>The data.</summary>
    public PreparedData Data { get; }

    /// <summary>The recipe's options without a run folder, so that nothing is written, and without measurements on the way.</summary>
    public TrainerOptions Options { get; }

    /// <summary>Shapes of both models.</summary>
    public MemoryModel Memory { get; }

    /// <summary>The recipe's choices.</summary>
    public MemorySetting MemorySetting { get; }

    /// <summary>Loads what a recipe names.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="method">How the quantizers' scales are found, from the weights alone. Bits that are left to calibration are taken as the average that it may choose.</param>
    /// <param name="time">The clock.</param>
    /// <param name="availableBytes">Memory the process may have; null where unknown.</param>
    /// <param name="logger">Told of what is unusual; null for nobody.</param>
    /// <param name="phase">Told what begins.</param>
    /// <exception cref="ConfigurationException">The recipe is not valid.</exception>
    /// <exception cref="InputException">A model or the data cannot be used, or the models alone have no room.</exception>
    public static RehearsalSetup Load(Recipe recipe, CalibrationMethod method, TimeProvider time, long? availableBytes, ILogger? logger, Action<PipelinePhase> phase)
    {
        if (recipe.Validate() is { Count: > 0 } faults)
        {
            throw new ConfigurationException("recipe", faults);
        }

        phase(PipelinePhase.Load);
        QatPipeline.RequireMemory(recipe, availableBytes);
        LoadedModel original = QatPipeline.Load(recipe.Model, recipe);
        RehearsalSetup? setup = null;
        LoadedModel? teacher = null;
        try
        {
            teacher = recipe.Qat.UseDistillation && !QatPipeline.SharesBase(recipe) ? QatPipeline.Load(recipe.Teacher ?? recipe.Model, recipe) : null;
            QatPipeline.RequireFit(recipe, original, teacher);
            PreparedData data = PreparedData.Create(PreparedData.Divide(recipe.Data), original.Tokenizer, recipe.Data.ContextTokens, recipe.Training);
            TrainerOptions options = TrainerOptions.From(recipe);
            options = options with { Training = options.Training with { EvaluateEverySteps = null, KeepBest = false, EarlyStopEvaluations = null } };
            setup = new(data, options, MemoryModel.Of(recipe, original.Model.Config, teacher?.Model.Config), QatPipeline.SettingOf(recipe, data));
            setup._owned.Add(original);
            if (teacher is not null)
            {
                setup._owned.Add(teacher);
            }

            phase(PipelinePhase.Rotate);
            long? rotationSeed = QatPipeline.RotationSeedOf(original, recipe);
            LlamaModel? otherTeacher = teacher is null ? null : setup.Own(QatPipeline.Rotated(teacher, rotationSeed, recipe.Lora?.Base, logger ?? NullLogger.Instance));
            QatPipeline.Release(teacher, otherTeacher, recipe);
            setup.Student = setup.Own(QatPipeline.Rotated(original, rotationSeed, recipe.Lora?.Base, logger ?? NullLogger.Instance));
            QatPipeline.Release(original, setup.Student, recipe);
            QuantizationPolicy policy = PolicyOf(recipe, setup.Student);
            AdapterRun? adapters = recipe.Lora is null ? null : setup.Own(AdapterRun.Create(setup.Student, recipe, policy));
            setup.Teacher = recipe.Qat.UseDistillation ? otherTeacher ?? adapters!.Base : null;
            IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers = adapters?.Layers ?? setup.Student.QuantizableLayers;
            using CalibrationArtifact calibration = WeightCalibration.Run(
                layers, policy.SpecFor, method, recipe.Qat, recipe.Training.Seed, time, CalibrationPhase.StoredOf(original, setup.Student), recipe.Calibration.Percentile);
            calibration.Prepare(layers, policy.SpecFor, recipe.ActivationBits);
            return setup;
        }
        catch
        {
            setup?.Dispose();
            teacher?.Dispose();
            original.Dispose();
            throw;
        }
    }

    /// <summary>Frees the models.</summary>
    public void Dispose()
    {
        foreach (IDisposable owned in _owned.AsEnumerable().Reverse())
        {
            owned.Dispose();
        }

        _owned.Clear();
    }

    private static QuantizationPolicy PolicyOf(Recipe recipe, LlamaModel model)
    {
        QuantizationPolicy policy = QuantizationPolicy.From(recipe);
        return policy.WithBits((from layer in model.QuantizableLayers
                                let departure = policy.AutomaticOverride(layer.Name)
                                where departure is not null
                                select KeyValuePair.Create(layer.Name, BitAllocation.BitWidths.Last(bits => bits <= departure.AverageBits))).ToDictionary(StringComparer.Ordinal));
    }

    private T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }
}
