using System.Globalization;
using System.Text.Json;
using Pique.Evaluation;
using Pique.Pipeline;
using Pique.Training;

namespace Pique.Benchmarks.Results;

/// <summary>Every way to a model of two and three bits, on the embedded model and on others: quality, size, time and memory. Each row is a process of its own.</summary>
internal static class ResultsBenchmark
{
    public const string ChildCommand = "results-row";

    private const string FullPrecision = "full precision";

    private static readonly int[] Bits = [3, 2];
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true };

    /// <summary>Makes the rows and prints them.</summary>
    /// <param name="models">Folders of models.</param>
    /// <param name="text">Text for all models but the first, which has the curriculum; null gives the curriculum to all.</param>
    /// <param name="json">Print one JSON document instead of a table.</param>
    /// <param name="threads">Threads; null for one a processor.</param>
    public static int Run(IReadOnlyList<string> models, string? text, bool json, int? threads)
    {
        List<ResultRow> rows = [];
        for (int index = 0; index < models.Count; index++)
        {
            foreach (int bits in Bits)
            {
                foreach (ResultMethod method in ResultMethod.All)
                {
                    IEnumerable<string> ofText = index > 0 && text is not null ? ["--text", text] : [];
                    ResultRow[] made = JsonSerializer.Deserialize<ResultRow[]>(OwnProcess.Run(
                        threads, [ChildCommand, "--model", models[index], .. ofText, "--bits", bits.ToString(CultureInfo.InvariantCulture), "--method", method.Name]))!;
                    rows.AddRange(made.Where(row => row.Method != FullPrecision || !rows.Any(earlier => earlier.Model == row.Model && earlier.Method == FullPrecision)));
                    if (!json)
                        Console.Error.WriteLine(JsonSerializer.Serialize(rows[^1]));
                }
            }
        }

        Print(json, rows);
        return 0;
    }

    /// <summary>Makes one row in this process, and that of the teacher it is compared with.</summary>
    public static int RunChild(string model, string? text, int bits, string methodName, int? threads)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        ResultMethod method = ResultMethod.All.Single(candidate => candidate.Name == methodName);
        ResultModel subject = new(model, text);
        string folder = Directory.CreateTempSubdirectory("pique-results-").FullName;
        try
        {
            List<ModelScore> scores = [];
            PhaseTimes times = new();
            using CancellationTokenSource cancellation = new();
            QatPipeline pipeline = new(TimeProvider.System);
            pipeline.Reported += happening =>
            {
                if (happening is PipelineEvent.PhaseStarted { Phase: var phase })
                    times.Begin(phase);
                if (happening is not PipelineEvent.Scored { Score: var score })
                    return;
                scores.Add(score);
                if (score.Name == "ptq" && !method.IsTrained)
                    cancellation.Cancel();
            };
            pipeline.Run(method.Apply(subject.Recipe(bits)), Path.Combine(folder, "run"), resume: false, cancellation.Token);
            ResultRow[] rows =
            [
                ResultRow.Of(subject.Name, bits, FullPrecision, scores[0], TimeSpan.Zero, null),
                ResultRow.Of(subject.Name, bits, method.Name, scores[^1], times.Making, new ProcessMemory().PeakBytes),
            ];
            Console.WriteLine(JsonSerializer.Serialize(rows));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Print(bool json, IReadOnlyList<ResultRow> rows)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { benchmark = "results", rows }, Layout));
            return;
        }

        foreach (IGrouping<string, ResultRow> ofModel in rows.GroupBy(row => row.Model))
        {
            Console.WriteLine($"\n| {ofModel.Key} | bits | perplexity | KL | top-1 | reasoning | tools | bits/weight | minutes | peak MB |\n|---|---|---|---|---|---|---|---|---|---|");
            foreach (ResultRow row in ofModel)
            {
                bool isMade = row.Method != FullPrecision;
                Console.WriteLine(Text($"| {row.Method} | {(isMade ? row.Bits : null)} | {row.Perplexity:F3} | {row.KlDivergence:F4} | {row.Top1Agreement:P1} | {row.Reasoning:P1} | {row.ToolCalls:P1} | {row.BitsPerWeight:F2} | {(isMade ? row.Minutes : null):F1} | {row.PeakMegabytes:F0} |"));
            }
        }
    }

    // Not by a table that is fitted to a terminal: this one goes into a document.
    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
