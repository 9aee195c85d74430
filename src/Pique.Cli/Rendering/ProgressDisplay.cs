using Spectre.Console;

namespace Pique.Cli.Rendering;

/// <summary>Shows on standard error how far the work is. All work runs on the calling thread.</summary>
internal abstract class ProgressDisplay
{
    /// <summary>Does work under the display that fits: a live bar on a terminal, milestone lines elsewhere, nothing where quiet.</summary>
    /// <param name="context">Says where to write and whether to.</param>
    /// <param name="work">The work.</param>
    /// <returns>What the work returned.</returns>
    public static T Run<T>(CommandContext context, Func<ProgressDisplay, T> work)
    {
        IAnsiConsole console = context.Terminal.Error;
        if (context.Quiet)
        {
            return work(new Silent());
        }

        return console.Profile.Capabilities.Interactive && console.Profile.Capabilities.Ansi
            ? Live(console, work)
            : work(new Milestones(console));
    }

    /// <summary>A display of plain lines, for work that has no progress to show.</summary>
    /// <param name="context">Says where to write and whether to.</param>
    public static ProgressDisplay Plain(CommandContext context) =>
        context.Quiet ? new Silent() : new Milestones(context.Terminal.Error);

    /// <summary>Writes a line that stays.</summary>
    /// <param name="text">The line.</param>
    public abstract void Line(string text);

    /// <summary>Writes a table that stays.</summary>
    /// <param name="header">Column names.</param>
    /// <param name="rows">Cells by row.</param>
    public abstract void Table(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows);

    /// <summary>Shows progress.</summary>
    /// <param name="done">Units done.</param>
    /// <param name="total">Units in all; at least 1.</param>
    /// <param name="status">Makes the text beside the bar; called only where it is shown.</param>
    public abstract void Advance(int done, int total, Func<string> status);

    private static T Live<T>(IAnsiConsole console, Func<ProgressDisplay, T> work) => console.Progress()
        .AutoClear(true)
        .Columns(new ProgressBarColumn { Width = 30 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
        .Start(progress => work(new Bar(console, progress)));

    private sealed class Silent : ProgressDisplay
    {
        public override void Line(string text)
        {
        }

        public override void Table(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
        {
        }

        public override void Advance(int done, int total, Func<string> status)
        {
        }
    }

    /// <summary>A line at each tenth of the way.</summary>
    private sealed class Milestones(IAnsiConsole console) : ProgressDisplay
    {
        private const int Count = 10;

        private int _lastDone;
        private int _lastTotal;
        private int _lastMilestone;

        public override void Line(string text) => console.Profile.Out.Writer.WriteLine(text);

        public override void Table(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows) => Tables.Draw(console, header, rows);

        public override void Advance(int done, int total, Func<string> status)
        {
            // Work that follows other work starts anew.
            if (done < _lastDone || _lastDone == _lastTotal)
            {
                _lastMilestone = 0;
            }

            _lastDone = done;
            _lastTotal = total;
            int milestone = (int)((long)Count * done / total);
            if (milestone > _lastMilestone)
            {
                _lastMilestone = milestone;
                Line(Units.Text($"{100L * done / total,4} %  {status()}"));
            }
        }
    }

    /// <summary>A bar that is drawn over and over, with lines passing above it.</summary>
    private sealed class Bar(IAnsiConsole console, ProgressContext progress) : ProgressDisplay
    {
        private ProgressTask? _task;

        public override void Line(string text) => console.Write(new Text(text + "\n"));

        public override void Table(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows) => Tables.Draw(console, header, rows);

        public override void Advance(int done, int total, Func<string> status)
        {
            _task ??= progress.AddTask("…");
            _task.MaxValue = total;
            _task.Value = done;
            _task.Description = Markup.Escape(status());
        }
    }
}
