using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pique.Evaluation;

namespace Pique.Benchmarks.PiQuantization;

/// <summary>Pi-scaled against uniform grids: at fixed scale, at the best scale, and after training.</summary>
internal static class PiQuantizationStudy
{
    /// <summary>Steps of a training where none are given.</summary>
    public const int DefaultSteps = 60;

    /// <summary>Learning rate of the scales where none is given: that of the presets.</summary>
    public const float DefaultScaleRate = 1e-4f;

    /// <summary>The embedded model, seen from the root of the repository.</summary>
    public static readonly string DefaultModel = Path.Combine("models", "pique-tiny");

    private static readonly (int Bits, int K, bool Trained)[] Grids = [(2, 3, true), (3, 4, true), (4, 4, false)];
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Studies every model.</summary>
    /// <param name="models">Their folders.</param>
    /// <param name="text">Text file to measure and train on; null for the synthetic curriculum.</param>
    /// <param name="steps">Steps of each training; 0 for none.</param>
    /// <param name="scaleRate">Learning rate of the scales in training.</param>
    /// <param name="threads">Threads; null for one a processor.</param>
    /// <param name="json">Print one JSON document instead of tables.</param>
    public static int Run(IReadOnlyList<string> models, string? text, int steps, float scaleRate, int? threads, bool json)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        List<object> documents = [];
        foreach (string model in models)
        {
            using StudyModel study = StudyModel.Load(model, text);
            double perplexity = LanguageModelEvaluator.Evaluate(study.Teacher.Model, study.Data.HeldOut.Batches(epoch: 0), study.Data.HeldOutBytes).Perplexity;
            if (!json)
                Print($"{study.Name}, full precision: perplexity {perplexity:F3}");
            List<RoundingRow> rounding = [];
            List<TrainingRow> training = [];
            foreach ((int bits, int k, bool trained) in Grids)
            {
                rounding.AddRange(Told(RoundingStudy.Run(study, bits, k), json, RoundingHeader(bits), Text));
                if (trained && steps > 0)
                    training.AddRange(Told(TrainingStudy.Run(study, bits, k, steps, scaleRate), json, TrainingHeader(bits, steps), Text));
            }

            documents.Add(new { model = study.Name, perplexity, steps, scaleRate, rounding, training });
        }

        if (json)
            Console.WriteLine(JsonSerializer.Serialize(new { benchmark = "pi-quantization", threads = TorchRuntime.Report.Threads, models = documents }, Layout));
        return 0;
    }

    private static FormattableString RoundingHeader(int bits) =>
        $"\n| {bits} bits, rounded | MSE | SQNR dB | cosine | spectral distortion | outliers kept | perplexity | KL |\n|---|---|---|---|---|---|---|---|";

    private static FormattableString TrainingHeader(int bits, int steps) =>
        $"\n| {bits} bits, {steps} steps | seed | perplexity | KL | reasoning | mean Δs/s |\n|---|---|---|---|---|---|";

    private static FormattableString Text(RoundingRow row) =>
        $"| {row.Case} | {row.MeanSquaredError:E3} | {row.SqnrDecibels:F3} | {row.CosineSimilarity:F5} | {row.SpectralDistortion:F5} | {row.OutlierRetention:P1} | {row.Perplexity:F3} | {row.TeacherDivergence:F4} |";

    private static FormattableString Text(TrainingRow row) =>
        $"| {row.Grid} | {row.Seed} | {row.Perplexity:F4} | {row.TeacherDivergence:F5} | {row.Reasoning?.ToString("P1", CultureInfo.InvariantCulture) ?? "–"} | {row.StepChange:P2} |";

    /// <summary>Prints rows as they come, as a table in Markdown.</summary>
    private static List<T> Told<T>(IEnumerable<T> rows, bool json, FormattableString header, Func<T, FormattableString> text)
    {
        if (json)
            return [.. rows];
        Print(header);
        List<T> all = [];
        foreach (T row in rows)
        {
            Print(text(row));
            all.Add(row);
        }

        return all;
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
