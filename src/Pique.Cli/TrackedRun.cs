using Pique.Cli.Rendering;

namespace Pique.Cli;

/// <summary>Runs training under a progress display, with a clean end after an interrupt.</summary>
internal static class TrackedRun
{
    /// <summary>Runs training on the calling thread.</summary>
    /// <param name="context">Where to write.</param>
    /// <param name="interruptedAdvice">What to do after an interrupt.</param>
    /// <param name="run">Trains; null where it was interrupted.</param>
    /// <returns>The outcome, or null where the run was interrupted, which has then been told.</returns>
    public static T? Execute<T>(CommandContext context, string interruptedAdvice, Func<TrainingProgress, T?> run)
        where T : class
    {
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
}
