using System.Globalization;
using System.Text;
using System.Text.Json;
using Pique.Configuration;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using Pique.Reporting;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>Gathers what the report page shows and writes it into the run folder.</summary>
internal static class RunReportFile
{
    private const string FileName = "report.html";

    /// <summary>Losses of metrics.jsonl that the page plots.</summary>
    private static readonly string[] PlottedLosses = ["loss", "task_loss", "kd_loss", "reasoning_loss"];

    public static string Write(
        RunFolder folder,
        Recipe recipe,
        IReadOnlyList<ModelScore> scores,
        LlamaModel student,
        IReadOnlyDictionary<string, QuantizedTensor> packed,
        IReadOnlyList<LayerIncoherence>? incoherence = null)
    {
        var report = new RunReport
        {
            Title = string.Create(CultureInfo.InvariantCulture, $"Pique: {Path.GetFileName(recipe.Model.TrimEnd('/'))} at {recipe.Qat.Bits} bits"),
            Choices = RecipeSummary.Of(recipe),
            Scores = scores,
            Losses = ReadLosses(folder.Of(MetricsWriter.FileName)),
            Layers = [.. student.QuantizableLayers.Where(layer => packed.ContainsKey(layer.Name)).Select(layer => Summarize(layer.Name, layer.Layer, packed[layer.Name]))],
            Incoherence = incoherence ?? [],
        };
        string path = folder.Of(FileName);
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(HtmlReport.Render(report))));
        return path;
    }

    private static LayerSummary Summarize(string name, IQuantizableLayer layer, QuantizedTensor packed)
    {
        double decibels = FrozenRounding.SqnrDecibels(layer, packed);
        return new LayerSummary(name, [packed.Rows, packed.Columns], packed.Bits, GridText.Of(packed), packed.BitsPerWeight, decibels);
    }

    private static (string, IReadOnlyList<double>)[] ReadLosses(string metricsPath)
    {
        var values = PlottedLosses.Select(_ => new List<double>()).ToArray();
        foreach (string line in File.ReadLines(metricsPath))
        {
            using JsonDocument step = JsonDocument.Parse(line);
            for (int loss = 0; loss < PlottedLosses.Length; loss++)
            {
                JsonElement value = step.RootElement.GetProperty(PlottedLosses[loss]);
                values[loss].Add(value.ValueKind == JsonValueKind.Null ? double.NaN : value.GetDouble());
            }
        }

        return [.. PlottedLosses.Zip(values, (name, list) => (name, (IReadOnlyList<double>)list))];
    }
}
