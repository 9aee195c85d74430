using System.Globalization;
using System.Runtime.InteropServices;

namespace Pique.Training;

/// <summary>The errors of a run whose numbers or needs went out of range.</summary>
internal static class Divergence
{
    /// <summary>What libtorch says where the system gives it no memory.</summary>
    private const string AllocationFailure = "can't allocate memory";

    /// <summary>Whether libtorch could not allocate a tensor.</summary>
    /// <param name="failure">What it threw.</param>
    public static bool IsOfMemory(ExternalException failure) => failure.Message.Contains(AllocationFailure, StringComparison.Ordinal);

    /// <summary>Too many steps in a row were passed over.</summary>
    /// <param name="state">Position after the last of them.</param>
    /// <param name="diagnosis">What was not finite in it.</param>
    /// <param name="kept">Checkpoint with the weights of the last finite step; null where there is no run folder.</param>
    public static RunFailedException OfSteps(TrainingState state, string diagnosis, string? kept) => new(
        Text($"step {state.RunStep}: loss or gradient was not finite in {state.ConsecutiveSkips} steps in a row, the limit (training.max_skipped_steps). ")
        + diagnosis
        + (kept is null ? "" : $" The weights of the last finite step are kept in {kept}.")
        + " Start a new run with a lower learning rate or with grad_clip; if it stops at the same step again, look at that step's records.");

    /// <summary>A weight is no number any more; going on or saving is no use.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="parameter">The first such parameter.</param>
    /// <param name="newestCheckpoint">The newest checkpoint, written before; null for none.</param>
    public static RunFailedException OfWeights(TrainingState state, string parameter, string? newestCheckpoint) => new(
        Text($"step {state.RunStep}: {parameter} holds a value that is not finite, put there by an optimizer step. ")
        + (newestCheckpoint is null ? "" : $"The checkpoint before it is {newestCheckpoint}. ")
        + "Start a new run with a lower learning rate or weight decay.");

    /// <summary>libtorch could not allocate a tensor.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="failure">What libtorch said.</param>
    /// <param name="newestCheckpoint">The newest checkpoint; null for none.</param>
    public static RunFailedException OfMemory(TrainingState state, Exception failure, string? newestCheckpoint) => new(
        Text($"step {state.RunStep + 1}: there is no memory left for it. ")
        + (newestCheckpoint is null ? "" : $"The newest checkpoint is {newestCheckpoint}. ")
        + "Free memory and continue with --resume, or start a run that takes less: pique train --dry-run tells what fits.",
        failure);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
