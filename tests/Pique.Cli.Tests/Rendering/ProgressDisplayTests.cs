using Pique.Cli.Rendering;
using Spectre.Console.Testing;

namespace Pique.Cli.Tests.Rendering;

public class ProgressDisplayTests
{
    [Fact]
    public void Elsewhere_than_on_a_terminal_a_line_appears_each_tenth_of_the_way()
    {
        var fake = new FakeTerminal();

        ProgressDisplay.Run(Context(fake.Terminal), display =>
        {
            display.Line("Training");
            for (int step = 1; step <= 25; step++)
                display.Advance(step, 25, () => $"step {step}");
            return 0;
        });

        Assert.Equal(
            """
            Training
              12 %  step 3
              20 %  step 5
              32 %  step 8
              40 %  step 10
              52 %  step 13
              60 %  step 15
              72 %  step 18
              80 %  step 20
              92 %  step 23
             100 %  step 25

            """,
            fake.Error);
        Assert.Equal("", fake.Output);
    }

    [Fact]
    public void Quiet_shows_nothing()
    {
        var fake = new FakeTerminal();

        ProgressDisplay.Run(Context(fake.Terminal) with { Quiet = true }, display =>
        {
            display.Line("Training");
            display.Advance(1, 1, () => "step 1");
            return 0;
        });

        Assert.Equal("", fake.Error + fake.Output);
    }

    [Fact]
    public void On_a_terminal_the_work_stays_on_the_calling_thread_and_its_lines_remain()
    {
        TestConsole console = new TestConsole().Width(120).SupportsAnsi(true).Interactive();
        int caller = Environment.CurrentManagedThreadId;
        var context = Context(new Terminal(console, console.Profile.Out.Writer, console));

        int worker = ProgressDisplay.Run(context, display =>
        {
            display.Advance(1, 2, () => "step 1 [of 2]");
            display.Line("epoch 1 of 1");
            display.Advance(2, 2, () => "step 2 [of 2]");
            return Environment.CurrentManagedThreadId;
        });

        Assert.Equal(caller, worker);
        Assert.Contains("epoch 1 of 1", console.Output, StringComparison.Ordinal);
        Assert.Contains("step 2 [of 2]", console.Output, StringComparison.Ordinal);
    }

    private static CommandContext Context(Terminal terminal) =>
        new(terminal, TimeProvider.System, Json: false, Quiet: false, Seed: null, Threads: null, Arguments: [], CancellationToken.None);
}
