using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Pique.Benchmarks;

/// <summary>Prints the rows as one JSON document or as a table.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="json">Whether to print JSON.</param>
    /// <param name="benchmark">Name of the benchmark.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="memory">Bytes a second of copying and of filling memory; null where no row is measured against them.</param>
    /// <param name="runtime">What the benchmark ran on.</param>
    public static void Write(bool json, string benchmark, IReadOnlyList<BenchmarkRow> rows, (double Copy, double Fill)? memory, RuntimeReport runtime)
    {
        string simd = Numerics.Kernels.KernelForms.Best.ToString();
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new
                {
                    benchmark,
                    processor = runtime.Cpu.ToString(),
                    simd,
                    threads = runtime.Threads,
                    copy_gigabytes_per_second = memory?.Copy / 1e9,
                    fill_gigabytes_per_second = memory?.Fill / 1e9,
                    rows,
                },
                Layout));
            return;
        }

        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{runtime.Threads} threads, {simd}{Speed(memory)}");
        Table table = new Table().AddColumns("case", "ours", "reference", "its figure", "ratio", "reach", "met");
        foreach (BenchmarkRow row in rows)
        {
            table.AddRow(
                Markup.Escape(row.Case),
                Text($"{row.Value:F2} {row.Unit}"),
                Markup.Escape(row.Reference),
                Text($"{row.Against:F2} {row.Unit}"),
                Text($"{row.Ratio:F2}"),
                row.Reach == 0 ? "" : Text($"{row.Reach:F2}"),
                row.IsMet switch { true => "yes", false => "no", null => "" });
        }

        AnsiConsole.Write(table);
    }

    private static string Speed((double Copy, double Fill)? memory) =>
        memory is { } bytes ? string.Create(CultureInfo.InvariantCulture, $"; memory: copy {bytes.Copy / 1e9:F1} GB/s, fill {bytes.Fill / 1e9:F1} GB/s") : "";

    private static string Text(FormattableString text) => Markup.Escape(text.ToString(CultureInfo.InvariantCulture));
}
