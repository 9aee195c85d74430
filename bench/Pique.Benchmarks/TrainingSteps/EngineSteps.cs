using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Training;
using static TorchSharp.torch;

namespace Pique.Benchmarks.TrainingSteps;

/// <summary>Steps of this library's trainer.</summary>
internal sealed class EngineSteps : ITrainingSteps
{
    private readonly LlamaModel _student;
    private readonly LlamaModel? _teacher;
    private readonly Learner _learner;
    private readonly TrainingStep _step;
    private readonly TokenBatch _batch;

    /// <summary>Makes the models.</summary>
    /// <param name="shape">Their shape.</param>
    /// <param name="kind">What a step does.</param>
    /// <param name="type">Type the factors of products are rounded to.</param>
    public EngineSteps(TrainingShape shape, StepKind kind, ScalarType type)
    {
        _student = Random(shape);
        _teacher = kind == StepKind.Taught ? Random(shape) : null;
        Recipe recipe = new() { Qat = QatConfig.PiQ3 with { UseDistillation = _teacher is not null, LearningRate = TrainingShape.LearningRate } };
        if (kind != StepKind.Plain)
            ModelQuantizer.Prepare(_student.QuantizableLayers, QuantizationPolicy.From(recipe).SpecFor, ScaleMethod.MeanAbsolute);
        TrainerOptions options = TrainerOptions.From(recipe);
        _student.ProductType = type;
        if (_teacher is not null)
            _teacher.ProductType = type;
        _learner = new(_student, options);
        _step = new(_student, _learner, _teacher, null, options);
        _batch = shape.RandomBatch();
    }

    /// <summary>The type that a run takes where its recipe leaves the choice.</summary>
    public static ScalarType DefaultType() => ComputeTypeChoice.Make(ComputeType.Auto, hasFrozenWeights: false, TimeProvider.System).ScalarType;

    public void Run() => _step.Run(_batch, new StepPlan(1, 1));

    public void Dispose()
    {
        _learner.Dispose();
        _batch.Dispose();
        _teacher?.Dispose();
        _student.Dispose();
    }

    private static LlamaModel Random(TrainingShape shape)
    {
        LlamaModel model = new(shape.Config);
        LlamaInitializer.Initialize(model, seed: 1);
        return model;
    }
}
