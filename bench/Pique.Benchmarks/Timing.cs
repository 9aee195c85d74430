using System.Diagnostics;

namespace Pique.Benchmarks;

/// <summary>Times an action: the best of several runs, since whatever else the machine does only adds.</summary>
internal static class Timing
{
    private const int Runs = 15;
    private const double WarmUpSeconds = 0.3;

    /// <summary>Seconds of one call.</summary>
    /// <param name="action">What to time.</param>
    public static double BestSeconds(Action action) => BestOf(Runs, action);

    /// <summary>Seconds of one call, the best of so many.</summary>
    /// <param name="runs">Runs after the warm-up.</param>
    /// <param name="action">What to time.</param>
    public static double BestOf(int runs, Action action)
    {
        long start = Stopwatch.GetTimestamp();
        do
            action();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds);

        double best = double.PositiveInfinity;
        for (int run = 0; run < runs; run++)
        {
            start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    /// <summary>Seconds of this one call.</summary>
    public static double SecondsOf(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Seconds of one call that is too short to time alone.</summary>
    public static double BestSeconds(Action action, int repeats) => BestSeconds(() =>
    {
        for (int repeat = 0; repeat < repeats; repeat++)
            action();
    }) / repeats;
}
