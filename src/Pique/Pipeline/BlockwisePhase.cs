using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Training;
using TorchSharp.Modules;

namespace Pique.Pipeline;

/// <summary>The first part of training in block-wise mode, and what leads from it to the second.</summary>
internal static class BlockwisePhase
{
    /// <summary>Refuses a teacher whose blocks cannot teach the model's.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="student">Shape of the model.</param>
    /// <param name="teacher">Shape of the teacher.</param>
    /// <param name="teacherPath">Where the teacher was loaded from.</param>
    /// <exception cref="InputException">The shapes differ.</exception>
    public static void RequireFit(Recipe recipe, LlamaConfig student, LlamaConfig teacher, string teacherPath)
    {
        if (recipe.Training.Mode != TrainingMode.Blockwise || (student.LayerCount, student.HiddenSize) == (teacher.LayerCount, teacher.HiddenSize))
            return;
        throw new InputException(
            $"teacher: {teacherPath} has {teacher.LayerCount} blocks of width {teacher.HiddenSize}, the model {student.LayerCount} of width {student.HiddenSize}, so its blocks cannot teach the model's (training.mode \"blockwise\"). Choose a teacher of the model's shape, or set training.mode to \"end_to_end\".");
    }

    /// <summary>Trains the blocks.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="student">The student, its quantizers in place.</param>
    /// <param name="teacher">The teacher.</param>
    /// <param name="data">Training rows.</param>
    /// <param name="run">Folder, lock and digest of the run.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">Told what happens.</param>
    /// <param name="cancellationToken">Ends the run in a checkpoint.</param>
    /// <returns>The outcome of this part alone, and the options of the next; none where there is none.</returns>
    public static (TrainingResult Result, TrainerOptions? Next) Run(
        Recipe recipe, LlamaModel student, LlamaModel teacher, PackedDataset data, TrainerOptions run, TimeProvider time, Action<TrainingEvent> report, CancellationToken cancellationToken)
    {
        TrainerOptions options = On(TrainerOptions.ForBlocks(recipe), run);
        bool hasNext = (recipe.Training.Blockwise ?? new()).ScalesEndToEnd;
        using BlockwiseTrainer trainer = new(student, teacher, data, options, hasNext ? StepsOf(recipe, data) : 0, time);
        trainer.Reported += report;
        TrainingResult result = trainer.Run(cancellationToken);
        if (result.Interrupted || !hasNext)
            return (result, null);
        ModelQuantizer.FixCodes(student, student.QuantizableLayers);
        TrainerOptions next = On(TrainerOptions.ForScales(recipe), run) with
        {
            Resume = true,
            PriorSteps = trainer.TotalSteps,
            PriorSkippedSteps = result.SkippedSteps,
            ComputeType = trainer.ComputeType is { } ofBlocks ? ofBlocks with { Reason = "as the blocks were trained" } : run.ComputeType,
        };
        return (result, next);
    }

    /// <summary>Arranges the student as the second part will find it, codes fixed and scales alone to be trained: for measuring ahead of the first.</summary>
    /// <param name="student">The student, its quantizers in place.</param>
    /// <returns>Puts everything back when disposed.</returns>
    public static IDisposable ArrangeForScales(LlamaModel student) => new Arrangement(student);

    private static int StepsOf(Recipe recipe, PackedDataset data) => (int)Math.Min((long)data.BatchesPerEpoch * recipe.Qat.Epochs, recipe.Training.MaxSteps ?? int.MaxValue);

    private static TrainerOptions On(TrainerOptions options, TrainerOptions run) => options with
    {
        RunFolder = run.RunFolder,
        RunLock = run.RunLock,
        TensorBoard = run.TensorBoard,
        Resume = run.Resume,
        ConfigurationDigest = run.ConfigurationDigest,
        CreateCheckpointFile = run.CreateCheckpointFile,
        FastMath = run.FastMath,
        ComputeType = run.ComputeType,
    };

    private sealed class Arrangement : IDisposable
    {
        private readonly (IQuantizableLayer Layer, FakeQuantizer Quantizer)[] _quantizers;
        private readonly Parameter[] _trained;

        public Arrangement(LlamaModel student)
        {
            _quantizers = [.. student.QuantizableLayers.Where(entry => entry.Layer.WeightQuantizer is not null).Select(entry => (entry.Layer, entry.Layer.WeightQuantizer!))];
            _trained = [.. student.parameters().Where(parameter => parameter.requires_grad)];
            foreach ((IQuantizableLayer layer, FakeQuantizer quantizer) in _quantizers)
                layer.WeightQuantizer = quantizer.FixCodes(layer.Weight);
            foreach (Parameter parameter in _trained)
                parameter.requires_grad = false;
        }

        public void Dispose()
        {
            foreach ((IQuantizableLayer layer, FakeQuantizer quantizer) in _quantizers)
            {
                layer.WeightQuantizer!.Dispose();
                layer.WeightQuantizer = quantizer;
            }

            foreach (Parameter parameter in _trained)
                parameter.requires_grad = true;
        }
    }
}
