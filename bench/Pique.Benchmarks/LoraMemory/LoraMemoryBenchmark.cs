using System.Globalization;
using System.Text.Json;
using Pique.Configuration;
using Spectre.Console;

namespace Pique.Benchmarks.LoraMemory;

/// <summary>Peak memory of training adapters on a model of the shape of Qwen2.5-0.5B under its teacher, each case in a process of its own.</summary>
internal static class LoraMemoryBenchmark
{
    /// <summary>Name of the hidden command that a child runs.</summary>
    public const string ChildCommand = "lora-memory-run";

    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true };

    public static int Run(bool json, int? threads, bool whole)
    {
        string folder = Directory.CreateTempSubdirectory("pique-lora-memory-").FullName;
        try
        {
            string model = Path.Combine(folder, "model");
            RandomCheckpoint.Write(model, RandomCheckpoint.Qwen25HalfBillion, seed: 1);
            List<LoraMemoryRow> rows = [];
            foreach (FrozenStorage storage in Enum.GetValues<FrozenStorage>())
            {
                rows.Add(Child(model, storage, null, threads));
                if (whole)
                    rows.Add(Child(model, storage, Path.Combine(folder, $"run-{storage}"), threads));
            }

            Print(json, rows);
            return rows.All(row => row.IsMet) ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public static int RunChild(string model, FrozenStorage storage, string? runFolder, int? threads)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        TorchRuntime.SpareMemory();
        LoraMemoryRow row = runFolder is null ? LoraMemoryRun.Train(model, storage) : LoraMemoryRun.Run(model, storage, runFolder);
        Console.WriteLine(JsonSerializer.Serialize(row));
        return 0;
    }

    private static LoraMemoryRow Child(string model, FrozenStorage storage, string? runFolder, int? threads) =>
        JsonSerializer.Deserialize<LoraMemoryRow>(OwnProcess.Run(
            threads, [ChildCommand, "--folder", model, "--base", storage.ToString(), .. runFolder is null ? Array.Empty<string>() : ["--run", runFolder]]))!;

    private static void Print(bool json, IReadOnlyList<LoraMemoryRow> rows)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { benchmark = "lora-memory", most_megabytes = LoraMemoryRow.MostMegabytes, rows }, Layout));
            return;
        }

        Table table = new Table().AddColumns("case", "base", "steps", "loaded MB", "prepared MB", "training MB", "process MB", "at most MB", "met", "s/step");
        foreach (LoraMemoryRow row in rows)
            table.AddRow(row.Case, row.Base, Text(row.Steps), Text(row.LoadedMegabytes), Text(row.PreparedMegabytes), Text(row.TrainingMegabytes), Text(row.ProcessMegabytes), Text(LoraMemoryRow.MostMegabytes), row.IsMet ? "yes" : "no", row.StepSeconds.ToString("F1", CultureInfo.InvariantCulture));
        AnsiConsole.Write(table);
    }

    private static string Text(double? megabytes) => megabytes?.ToString("F0", CultureInfo.InvariantCulture) ?? "";
}
