using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Pique.Benchmarks;

/// <summary>Prints the rows as one JSON document or as a table.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(string benchmark, bool json, IReadOnlyList<BenchmarkRow> rows, double copyBytesPerSecond, double fillBytesPerSecond, RuntimeReport runtime)
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
                    copy_gigabytes_per_second = copyBytesPerSecond / 1e9,
                    fill_gigabytes_per_second = fillBytesPerSecond / 1e9,
                    rows,
                },
                Layout));
            return;
        }

        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{runtime.Threads} threads, {simd}; memory: copy {copyBytesPerSecond / 1e9:F1} GB/s, fill {fillBytesPerSecond / 1e9:F1} GB/s");
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

    private static string Text(FormattableString text) => Markup.Escape(text.ToString(CultureInfo.InvariantCulture));
}
