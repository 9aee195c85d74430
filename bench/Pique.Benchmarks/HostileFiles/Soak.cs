using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Pique.Numerics;
using Spectre.Console;

namespace Pique.Benchmarks.HostileFiles;

/// <summary>Reads damaged versions of valid files. Each must be read or refused by an error of the library's own; anything else ends the soak.</summary>
internal static class Soak
{
    /// <summary>Cases where no number is given.</summary>
    public const int DefaultCount = 100_000;

    /// <summary>Seed where none is given.</summary>
    public const long DefaultSeed = 1;

    private const long MostBytes = 256L << 20;

    /// <summary>Longer than this is a hang, on any machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Runs the cases.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Seed of all of them.</param>
    /// <param name="first">Number of the first, to repeat one that failed.</param>
    /// <param name="threads">Threads; null for one a processor.</param>
    /// <param name="json">Print one JSON document instead of a table.</param>
    /// <returns>0 where every case ended well, else 1.</returns>
    public static int Run(int count, long seed, long first, int? threads, bool json)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        string folder = Directory.CreateTempSubdirectory("pique-soak-").FullName;
        try
        {
            SoakSubject[] subjects = [.. SoakSubjects.Create(folder)];
            foreach (SoakSubject subject in subjects)
                subject.Read();
            SoakTally[] tallies = [.. subjects.Select(subject => new SoakTally(subject.Name))];
            long start = Stopwatch.GetTimestamp();
            for (long index = first; index < first + count; index++)
            {
                if (!RunCase(subjects, tallies, seed, index))
                    return 1;
                if ((index + 1 - first) % 10_000 == 0)
                    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{index + 1 - first} of {count} cases, {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s"));
            }

            Print(tallies, count, seed, Stopwatch.GetElapsedTime(start), json);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool RunCase(SoakSubject[] subjects, SoakTally[] tallies, long seed, long index)
    {
        SplitMix64 random = SplitMix64.ForStream(seed, index);
        int chosen = random.NextInt32(subjects.Length);
        SoakSubject subject = subjects[chosen];
        (string path, byte[] content) = subject.Files[random.NextInt32(subject.Files.Count)];
        IReadOnlyList<(string Path, byte[] Content)> donors = subjects[random.NextInt32(subjects.Length)].Files;
        byte[] damaged = Mutation.Apply(random, content, donors[random.NextInt32(donors.Count)].Content);
        File.WriteAllBytes(path, damaged);

        using Timer watch = new(_ => Abandon(subject, path, damaged, seed, index), null, Patience, Timeout.InfiniteTimeSpan);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        Exception? failure = null;
        try
        {
            subject.Read();
        }
        catch (Exception raised)
        {
            failure = raised;
        }

        TimeSpan time = Stopwatch.GetElapsedTime(start);
        long allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;
        File.WriteAllBytes(path, content);
        if (failure is null or PiqueException && allocatedBytes <= MostBytes)
        {
            tallies[chosen].Add(index, failure is not null, time, allocatedBytes);
            return true;
        }

        Tell(subject, path, damaged, seed, index, failure is null or PiqueException ? $"allocated {allocatedBytes} bytes, at most {MostBytes} are allowed" : $"{failure}");
        return false;
    }

    private static void Abandon(SoakSubject subject, string path, byte[] damaged, long seed, long index)
    {
        Tell(subject, path, damaged, seed, index, $"did not end within {Patience.TotalSeconds:F0} s");
        Environment.Exit(1);
    }

    private static void Tell(SoakSubject subject, string path, byte[] damaged, long seed, long index, string failure)
    {
        string saved = Path.GetFullPath($"soak-{seed}-{index}-{Path.GetFileName(path)}");
        File.WriteAllBytes(saved, damaged);
        Console.Error.WriteLine($"case {index} of seed {seed}, {subject.Name}: {failure}\nThe damaged {Path.GetFileName(path)} is saved as {saved}; repeat with: soak --seed {seed} --first {index} --count 1");
    }

    private static void Print(SoakTally[] tallies, int count, long seed, TimeSpan time, bool json)
    {
        double worstMilliseconds = tallies.Max(tally => tally.WorstMilliseconds);
        long worstBytes = tallies.Max(tally => tally.WorstAllocatedBytes);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { benchmark = "soak", count, seed, seconds = time.TotalSeconds, worstMilliseconds, worstAllocatedBytes = worstBytes, subjects = tallies }, Layout));
            return;
        }

        Table table = new Table().AddColumns("subject", "read", "refused", "worst ms", "of case", "worst MB", "of case");
        foreach (SoakTally tally in tallies)
        {
            table.AddRow(
                tally.Subject, $"{tally.Read}", $"{tally.Refused}",
                tally.WorstMilliseconds.ToString("F1", CultureInfo.InvariantCulture), $"{tally.SlowestCase}",
                (tally.WorstAllocatedBytes / 1e6).ToString("F2", CultureInfo.InvariantCulture), $"{tally.LargestCase}");
        }

        AnsiConsole.Write(table);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{count} cases of seed {seed} in {time.TotalSeconds:F0} s: {tallies.Sum(tally => tally.Read)} read, {tallies.Sum(tally => tally.Refused)} refused, nothing else; worst {worstMilliseconds:F0} ms and {worstBytes / 1e6:F1} MB allocated."));
    }
}
