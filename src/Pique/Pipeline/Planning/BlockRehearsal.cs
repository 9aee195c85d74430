using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Pipeline;

/// <summary>What training block by block will take, from a pass over the first block and steps of its training, on a copy of the model. Nothing is written: its activations stay in memory.</summary>
/// <param name="Steps">Steps of all blocks.</param>
/// <param name="StepSeconds">Duration of the last measured step.</param>
/// <param name="PassSeconds">Duration of all passes over activations without gradients, the writing of them left out.</param>
/// <param name="WeightCount">Trained weights of all blocks.</param>
/// <param name="QuantizationParameterCount">Trained scales and zero points of all blocks.</param>
/// <param name="DiskBytes">Most bytes that activations take on the disk at once.</param>
/// <param name="PeakMemoryBytes">Most memory the process had in use at once meanwhile; null where the system does not tell.</param>
internal sealed record BlockRehearsal(int Steps, double StepSeconds, double PassSeconds, long WeightCount, long QuantizationParameterCount, long DiskBytes, long? PeakMemoryBytes)
{
    /// <summary>The first step also pays for what is made once.</summary>
    private const int MeasuredSteps = 2;

    /// <summary>Passes over all rows for each block: the teacher's, and the student's before and after training.</summary>
    private const int PassesPerBlock = 3;

    /// <summary>Measures. The copy's first block changes.</summary>
    /// <param name="setup">Models and data; the recipe is block-wise.</param>
    /// <param name="recipe">The recipe.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    public static BlockRehearsal Run(RehearsalSetup setup, Recipe recipe, TimeProvider time, CancellationToken cancellationToken)
    {
        LlamaModel student = setup.Student;
        TrainerOptions options = TrainerOptions.ForBlocks(recipe);
        PackedDataset data = setup.Data.Train;
        ActivationShape shape = BlockwiseTrainer.ShapeOf(student, data, recipe.Training);
        int rows = Math.Min(shape.Rows, data.RowsPerBatch);
        int batches = (shape.Rows + data.RowsPerBatch - 1) / data.RowsPerBatch;
        ProcessMemory memory = new();
        memory.ResetPeak();

        using DisposeScope scope = NewDisposeScope();
        using TokenBatch tokens = data.Rows(0, rows);
        LlamaModel teacher = (LlamaModel)setup.Teacher!;
        student.ProductType = teacher.ProductType = ComputeTypeChoice.Make(recipe.Training.ComputeType, student, time).ScalarType;
        (ActivationBatch batch, double passSeconds) = Activations(student, teacher, tokens, time);
        using Learner learner = new(TrainedParameters.OfBlock(student, 0), options);
        BlockStep step = new(student, student.Backbone.Blocks[0], learner, recipe.Training.AccumulationSteps);
        double stepSeconds = 0;
        for (int measured = 0; measured < MeasuredSteps; measured++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long started = time.GetTimestamp();
            step.Run(batch, learningRateFactor: 1);
            stepSeconds = time.GetElapsedTime(started).TotalSeconds;
        }

        student.ProductType = teacher.ProductType = ScalarType.Float32;
        int blocks = student.Config.LayerCount;
        return new(
            checked(blocks * options.Epochs * batches),
            stepSeconds,
            passSeconds * PassesPerBlock * blocks * batches,
            blocks * learner.Parameters.Weights.Sum(item => item.Value.numel()),
            Enumerable.Range(0, blocks).Sum(block => TrainedParameters.OfBlock(student, block).Quantization.Sum(item => item.Value.numel())),
            ActivationShape.FilesAtOnce * shape.FileBytes,
            memory.PeakBytes);
    }

    private static (ActivationBatch Batch, double PassSeconds) Activations(LlamaModel student, LlamaModel teacher, TokenBatch tokens, TimeProvider time)
    {
        using IDisposable noGradient = no_grad();
        Tensor embedded = teacher.Backbone.Embedding.forward(tokens.Inputs);
        long started = time.GetTimestamp();
        Tensor targets = ActivationStore.Advance(teacher, teacher.Backbone.Blocks[0], embedded);
        double seconds = time.GetElapsedTime(started).TotalSeconds;
        Tensor inputs = student.Backbone.Embedding.forward(tokens.Inputs);
        return (new(inputs, targets, ones([inputs.shape[0], inputs.shape[1], 1]), tokens.TokenCount), seconds);
    }
}
