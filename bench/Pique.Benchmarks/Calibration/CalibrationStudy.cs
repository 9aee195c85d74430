using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pique.Evaluation;

namespace Pique.Benchmarks.Calibration;

/// <summary>What methods of calibration, divisions of bits and starts of training are worth.</summary>
internal static class CalibrationStudy
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Studies every model.</summary>
    /// <param name="models">Their folders.</param>
    /// <param name="text">Text file to calibrate, measure and train on; null for the synthetic curriculum.</param>
    /// <param name="parts">What to study.</param>
    /// <param name="steps">Steps of each training; 0 for none.</param>
    /// <param name="threads">Threads; null for one a processor.</param>
    /// <param name="json">Print one JSON document instead of tables.</param>
    public static int Run(IReadOnlyList<string> models, string? text, IReadOnlyList<CalibrationPart> parts, int steps, int? threads, bool json)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        List<object> documents = [];
        foreach (string folder in models)
        {
            using CalibratedStudyModel model = new(folder, text);
            double perplexity = LanguageModelEvaluator.Evaluate(model.Study.Teacher.Model, model.Study.Data.HeldOut.Batches(epoch: 0), model.Study.Data.HeldOutBytes).Perplexity;
            Say(json, $"\n{model.Study.Name}, full precision: perplexity {perplexity:F3}\n\n| grid | calibration | perplexity | KL |\n|---|---|---|---|");
            List<CalibrationRow> rows = [];
            foreach (CalibrationRow row in parts.SelectMany(part => Rows(model, part, steps)))
            {
                rows.Add(row);
                Say(json, $"| {row.Grid} | {row.Case} | {row.Perplexity:F4} | {row.TeacherDivergence:F5} |");
            }

            documents.Add(new { model = model.Study.Name, perplexity, steps, rows });
        }

        if (json)
            Console.WriteLine(JsonSerializer.Serialize(new { benchmark = "calibration", threads = TorchRuntime.Report.Threads, models = documents }, Layout));
        return 0;
    }

    private static IEnumerable<CalibrationRow> Rows(CalibratedStudyModel model, CalibrationPart part, int steps) => part switch
    {
        CalibrationPart.Methods => MethodStudy.Run(model),
        CalibrationPart.Bits => AllocationStudy.Run(model),
        CalibrationPart.Starts => steps > 0 ? StartStudy.Run(model, steps) : [],
        _ => throw new ArgumentOutOfRangeException(nameof(part), part, "Unknown part."),
    };

    private static void Say(bool json, FormattableString text)
    {
        if (!json)
            Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
    }
}
