using System.Globalization;
using System.Runtime.InteropServices;

namespace Pique.Training;

/// <summary>The errors of a run whose numbers or needs went out of range.</summary>
internal static class Divergence
{
    /// <summary>What libtorch says where the system gives it no memory.</summary>
    private const string AllocationFailure = "can't allocate memory";

    /// <summary>Whether libtorch could not allocate a tensor, or the runtime an array.</summary>
    /// <param name="failure">What it threw.</param>
    public static bool IsOfMemory(Exception failure) => failure is OutOfMemoryException || (failure is ExternalException && failure.Message.Contains(AllocationFailure, StringComparison.Ordinal));

    /// <summary>Too many steps in a row were passed over.</summary>
    /// <param name="state">Position after the last of them.</param>
    /// <param name="diagnosis">What was not finite in it.</param>
    /// <param name="kept">Checkpoint with the weights of the last finite step; null where there is no run folder.</param>
    public static RunFailedException OfSteps(TrainingState state, string diagnosis, string? kept) => new(
        Text($"step {state.RunStep}: loss or gradient was not finite in {state.ConsecutiveSkips} steps in a row, the limit (training.max_skipped_steps). ")
        + diagnosis
        + (kept is null ? "" : $" The weights of the last finite step are kept in {kept}.")
        + " Start a new run with a lower learning rate or with grad_clip; if it stops at the same step again, look at that step's records.")
    {
        IsDivergence = true,
    };

    /// <summary>A weight is no number any more; going on or saving is no use.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="parameter">The first such parameter.</param>
    /// <param name="newestCheckpoint">The newest checkpoint, written before; null for none.</param>
    public static RunFailedException OfWeights(TrainingState state, string parameter, string? newestCheckpoint) => new(
        Text($"step {state.RunStep}: {parameter} holds a value that is not finite, put there by an optimizer step. ")
        + (newestCheckpoint is null ? "" : $"The checkpoint before it is {newestCheckpoint}. ")
        + "Start a new run with a lower learning rate or weight decay.")
    {
        IsDivergence = true,
    };

    /// <summary>Memory ran out in a step, a measurement, a checkpoint or between them.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="failure">What was thrown.</param>
    /// <param name="newestCheckpoint">The newest checkpoint; null for none.</param>
    public static RunFailedException OfMemory(TrainingState state, Exception failure, string? newestCheckpoint) => new(
        Text($"after step {state.RunStep}: there is no memory left to go on. ")
        + (newestCheckpoint is null ? "" : $"The newest checkpoint is {newestCheckpoint}. ")
        + "Free memory and continue with --resume, where training.accumulation_steps and training.gradient_checkpointing may differ, or start a run that takes less: pique train --dry-run tells what fits.",
        failure);

    /// <summary>Memory ran out in a pass that was to tell how much a run takes.</summary>
    /// <param name="rows">Rows of the pass.</param>
    /// <param name="failure">What was thrown.</param>
    public static InputException OfRehearsal(int rows, Exception failure) => new(
        Text($"memory: there is none left for a pass of {rows} {(rows == 1 ? "row" : "rows")}. ")
        + "Set training.gradient_checkpointing to true or data.context_tokens lower, free memory, or train on a machine with more.",
        failure);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
