using Pique.Cli.Rendering;
using Pique.Training;

namespace Pique.Cli;

/// <summary>Runs training under a progress display, with a clean end after an interrupt and nothing left behind where the input was wrong.</summary>
internal static class TrackedRun
{
    /// <summary>Runs training on the calling thread.</summary>
    /// <param name="context">Where to write.</param>
    /// <param name="runFolder">Folder of the run; unless resumed, new or empty.</param>
    /// <param name="resume">Whether an earlier run goes on.</param>
    /// <param name="interruptedAdvice">What to do after an interrupt.</param>
    /// <param name="run">Trains; null where it was interrupted.</param>
    /// <returns>The outcome, or null where the run was interrupted, which has then been told.</returns>
    public static T? Execute<T>(CommandContext context, string runFolder, bool resume, string interruptedAdvice, Func<TrainingProgress, T?> run)
        where T : class
    {
        bool existed = Directory.Exists(runFolder);
        (int Step, int TotalSteps)? position = null;
        T? result = ProgressDisplay.Run(context, display =>
        {
            var progress = new TrainingProgress(display);
            using CancellationTokenRegistration note = context.Cancellation.Register(
                () => display.Line("Interrupted: finishing the step and saving a checkpoint. Interrupt again to stop at once."));
            try
            {
                return run(progress);
            }
            catch (OperationCanceledException)
            {
                return null; // Outside training there is nothing to save: the measurement is simply made again.
            }
            catch (InputException failure) when (!resume && failure is not RunFolderInUseException)
            {
                RemoveUntrained(runFolder, existed);
                throw;
            }
            finally
            {
                position = progress.Position;
            }
        });
        if (result is null)
        {
            context.Terminal.WriteErrorLine(position is { } at
                ? Units.Text($"interrupted after step {at.Step} of {at.TotalSteps}. {interruptedAdvice}")
                : $"interrupted before training. {interruptedAdvice}");
        }

        return result;
    }

    /// <summary>The command that continues the run of this command line.</summary>
    /// <param name="context">The command line.</param>
    public static string ResumeAdvice(CommandContext context)
    {
        IEnumerable<string> arguments = context.Arguments.Contains("--resume") ? context.Arguments : [.. context.Arguments, "--resume"];
        return $"Continue with: pique {string.Join(' ', arguments.Select(ShellQuoting.Quote))}";
    }

    /// <summary>Takes away what a new run wrote before its first checkpoint.</summary>
    private static void RemoveUntrained(string runFolder, bool keepFolder)
    {
        string checkpoints = Path.Combine(runFolder, Trainer.CheckpointsName);
        if (!Directory.Exists(runFolder) || (Directory.Exists(checkpoints) && Directory.EnumerateFileSystemEntries(checkpoints).Any()))
        {
            return;
        }

        Directory.Delete(runFolder, recursive: true);
        if (keepFolder)
        {
            Directory.CreateDirectory(runFolder);
        }
    }
}
