using Pique.Configuration;

namespace Pique.Training;

/// <summary>What a training run reports while it runs. A closed choice.</summary>
public abstract record TrainingEvent
{
    private TrainingEvent()
    {
    }

    /// <summary>The run begins.</summary>
    /// <param name="TotalSteps">Steps of the whole run, those before a resume included.</param>
    /// <param name="StepsPerEpoch">Batches in an epoch.</param>
    /// <param name="WeightCount">Trained weights.</param>
    /// <param name="QuantizationParameterCount">Trained scales and α.</param>
    /// <param name="TeacherDigest">SHA-256 of the teacher's parameters, or null without a teacher.</param>
    public sealed record Started(int TotalSteps, int StepsPerEpoch, long WeightCount, long QuantizationParameterCount, string? TeacherDigest) : TrainingEvent
    {
        /// <summary>Steps of the whole run that belong to a later phase, whose steps take another time.</summary>
        public int LaterSteps { get; init; }
    }

    /// <summary>The type of the matrix products is chosen.</summary>
    /// <param name="Type">Float32 or bfloat16.</param>
    /// <param name="Reason">Why.</param>
    public sealed record ComputeTypeChosen(ComputeType Type, string Reason) : TrainingEvent;

    /// <summary>The run continues from a checkpoint.</summary>
    /// <param name="Step">Steps already done.</param>
    /// <param name="Folder">The checkpoint.</param>
    public sealed record Resumed(int Step, string Folder) : TrainingEvent;

    /// <summary>Something the user should know although the run goes on.</summary>
    /// <param name="Message">What and why, in whole sentences.</param>
    public sealed record Warned(string Message) : TrainingEvent;

    /// <summary>A checkpoint is damaged and an older one is tried.</summary>
    /// <param name="Folder">The checkpoint.</param>
    /// <param name="Reason">What is wrong with it.</param>
    public sealed record CheckpointRejected(string Folder, string Reason) : TrainingEvent;

    /// <summary>What an earlier process left half written was deleted.</summary>
    /// <param name="Folder">The folder.</param>
    public sealed record PartialCheckpointRemoved(string Folder) : TrainingEvent;

    /// <summary>Activations between blocks were computed and kept on disk, for block-wise training.</summary>
    /// <param name="Block">Block, from 1, that they are of.</param>
    /// <param name="BlockCount">Blocks of the model.</param>
    /// <param name="Rows">Rows done.</param>
    /// <param name="TotalRows">Rows in all.</param>
    public sealed record ActivationsKept(int Block, int BlockCount, int Rows, int TotalRows) : TrainingEvent;

    /// <summary>Training of a block begins, or goes on after a resume.</summary>
    /// <param name="Block">Block, from 1.</param>
    /// <param name="BlockCount">Blocks of the model.</param>
    /// <param name="Loss">Mean squared error from the teacher's block over all rows before its first step; null where it was made before a resume.</param>
    public sealed record BlockStarted(int Block, int BlockCount, double? Loss) : TrainingEvent;

    /// <summary>A block is trained.</summary>
    /// <param name="Block">Block, from 1.</param>
    /// <param name="BlockCount">Blocks of the model.</param>
    /// <param name="LossBefore">Mean squared error from the teacher's block over all rows before its first step; null where it was made before a resume.</param>
    /// <param name="LossAfter">The same after its last step.</param>
    public sealed record BlockCompleted(int Block, int BlockCount, double? LossBefore, double LossAfter) : TrainingEvent;

    /// <summary>A step is done.</summary>
    /// <param name="Metrics">Its measurements.</param>
    /// <param name="TotalSteps">Steps of the whole run.</param>
    public sealed record StepCompleted(StepMetrics Metrics, int TotalSteps) : TrainingEvent;

    /// <summary>A step's loss or gradient is not finite: its batch was passed over and no parameter changed.</summary>
    /// <param name="Metrics">Its measurements.</param>
    /// <param name="Consecutive">Steps skipped in a row.</param>
    /// <param name="Diagnosis">What was not finite, in whole sentences.</param>
    public sealed record StepSkipped(StepMetrics Metrics, int Consecutive, string Diagnosis) : TrainingEvent;

    /// <summary>A pass over the data is done.</summary>
    /// <param name="Epoch">Epoch, from 1.</param>
    /// <param name="EpochCount">Epochs of the run.</param>
    /// <param name="MeanLoss">Mean loss of its finite steps since the run began or was resumed.</param>
    /// <param name="PeakMemoryBytes">Most memory the process had in use at once during the epoch, or since it began where the system does not let the mark be reset; null where it does not tell.</param>
    public sealed record EpochCompleted(int Epoch, int EpochCount, double MeanLoss, long? PeakMemoryBytes) : TrainingEvent;

    /// <summary>The held-out loss was measured.</summary>
    /// <param name="Step">Steps done.</param>
    /// <param name="HeldOutLoss">Nats per token, at full quantization strength.</param>
    /// <param name="IsBest">Whether it is the lowest so far.</param>
    /// <param name="SinceBest">Measurements since the lowest.</param>
    public sealed record Evaluated(int Step, double HeldOutLoss, bool IsBest, int SinceBest) : TrainingEvent;

    /// <summary>The held-out loss has not fallen for as many measurements as the recipe allows: training ends here.</summary>
    /// <param name="Step">Steps done.</param>
    /// <param name="Evaluations">Measurements without a new lowest.</param>
    public sealed record StoppedEarly(int Step, int Evaluations) : TrainingEvent;

    /// <summary>The weights with the lowest held-out loss were put back: the model ends with them.</summary>
    /// <param name="Step">Their step.</param>
    /// <param name="HeldOutLoss">Their loss.</param>
    public sealed record BestRestored(int Step, double HeldOutLoss) : TrainingEvent;

    /// <summary>The checkpoint of the lowest held-out loss is damaged, and no checkpoint before it is left: the lowest is sought anew from here on.</summary>
    /// <param name="Step">Step of the lost checkpoint.</param>
    public sealed record BestLost(int Step) : TrainingEvent;

    /// <summary>A checkpoint is safely on disk.</summary>
    /// <param name="Step">Steps done.</param>
    /// <param name="Folder">The checkpoint.</param>
    public sealed record CheckpointSaved(int Step, string Folder) : TrainingEvent;

    /// <summary>The run ended or was interrupted.</summary>
    /// <param name="Result">Its outcome.</param>
    public sealed record Finished(TrainingResult Result) : TrainingEvent;
}
