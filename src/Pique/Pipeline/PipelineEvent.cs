using Pique.Calibration;
using Pique.Evaluation;
using Pique.Models.Rotation;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>What a pipeline reports while it runs. A closed choice.</summary>
public abstract record PipelineEvent
{
    private PipelineEvent()
    {
    }

    /// <summary>A phase begins.</summary>
    /// <param name="Phase">The phase.</param>
    public sealed record PhaseStarted(PipelinePhase Phase) : PipelineEvent;

    /// <summary>Something the user should know although the run goes on.</summary>
    /// <param name="Message">What and why.</param>
    public sealed record Warned(string Message) : PipelineEvent;

    /// <summary>The model to be trained was rotated.</summary>
    /// <param name="Layers">How far weights stand out in every layer, before and after.</param>
    public sealed record Rotated(IReadOnlyList<LayerIncoherence> Layers) : PipelineEvent;

    /// <summary>Calibration came a step further.</summary>
    /// <param name="Progress">How far.</param>
    public sealed record Calibrated(CalibrationProgress Progress) : PipelineEvent;

    /// <summary>Calibration, or the calibration that was taken in its place, has the sensitivity of layers, by which bits were chosen.</summary>
    /// <param name="Layers">Costs and chosen bits of every layer.</param>
    /// <param name="PlotPath">File they were drawn in.</param>
    public sealed record SensitivityDrawn(IReadOnlyList<LayerSensitivity> Layers, string PlotPath) : PipelineEvent;

    /// <summary>A model was measured.</summary>
    /// <param name="Score">Its figures.</param>
    public sealed record Scored(ModelScore Score) : PipelineEvent;

    /// <summary>Teacher outputs were computed, to be kept on disk.</summary>
    /// <param name="Rows">Rows done.</param>
    /// <param name="TotalRows">Rows in all.</param>
    public sealed record TeacherOutputsKept(int Rows, int TotalRows) : PipelineEvent;

    /// <summary>The trainer reported.</summary>
    /// <param name="Event">Its event.</param>
    public sealed record Trained(TrainingEvent Event) : PipelineEvent;
}

/// <summary>Phases of a run, in their order.</summary>
public enum PipelinePhase
{
    /// <summary>Loading models and reading data.</summary>
    Load,

    /// <summary>Rotating the weights.</summary>
    Rotate,

    /// <summary>Finding scales.</summary>
    Calibrate,

    /// <summary>Measuring the teacher and the rounded, untrained model.</summary>
    Baseline,

    /// <summary>Training.</summary>
    Train,

    /// <summary>Packing and writing the model.</summary>
    Convert,

    /// <summary>Measuring the trained model as it was written.</summary>
    Evaluate,
}
