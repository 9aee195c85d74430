using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Data;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Pipeline;

namespace Pique.Cli.Commands;

/// <summary>pique evaluate: measures a model on data files, all of their records.</summary>
internal static class EvaluateCommand
{
    /// <summary>Longest rows measured where the user does not say.</summary>
    private const int DefaultMaxContextTokens = 512;

    /// <summary>Tokens measured together; no effect on the result beyond the order of additions.</summary>
    private const int BatchTokens = 4096;

    public static Command Create(ContextFactory context)
    {
        var model = new Argument<string>("MODEL") { Description = "Hugging Face folder, packed folder, .gguf file or llama2.c .bin file." };
        var data = new Option<string[]>("--data") { Description = DataArgument.Description, HelpName = "FILE", Required = true, AllowMultipleArgumentsPerToken = true };
        var teacher = new Option<string?>("--teacher") { Description = "Model to compare with, of the same vocabulary.", HelpName = "MODEL" };
        var contextTokens = new Option<int?>("--context") { Description = $"Tokens in a row [default: the model's context, at most {DefaultMaxContextTokens}].", HelpName = "N" };
        var command = new Command("evaluate", "Measure a model on data files.") { model, data, teacher, contextTokens };
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            settings.StartTorch();
            return ProgressDisplay.Run(settings, display => Run(
                settings, display, parsed.GetRequiredValue(model), parsed.GetRequiredValue(data), parsed.GetValue(teacher), parsed.GetValue(contextTokens)))();
        });
        return command;
    }

    /// <summary>Measures, and returns what prints the result once the progress display is gone.</summary>
    private static Func<int> Run(CommandContext context, ProgressDisplay display, string modelPath, string[] dataPaths, string? teacherPath, int? contextOption)
    {
        SourcedRecord[] records = [.. dataPaths.Select(DataArgument.Parse).SelectMany(file => RecordReader.Read(file.Path, file.Domain))];
        using LoadedModel model = ModelLoader.Load(modelPath);
        using LoadedModel? teacher = teacherPath is null ? null : ModelLoader.Load(teacherPath);
        int contextTokens = contextOption ?? Math.Min(model.Model.ContextTokens, DefaultMaxContextTokens);
        int longest = Math.Min(model.Model.ContextTokens, teacher?.Model.ContextTokens ?? int.MaxValue);
        if (contextTokens < 2 || contextTokens > longest)
        {
            throw new InputException($"--context: found {contextTokens} tokens, expected 2 to {longest}, for which the model was made.");
        }

        var dataset = new PackedDataset(
            new RecordTokenizer(model.Tokenizer, contextTokens).Tokenize(records), new PackingOptions(contextTokens, BatchTokens, Shuffle: false));
        long textBytes = records.Sum(record => (long)Encoding.UTF8.GetByteCount(RecordTemplate.Response(record.Record)));
        ModelSize size = ModelSize.Of(model);
        var score = new ModelScore
        {
            Name = modelPath,
            BitsPerWeight = size.BitsPerWeight,
            FileBytes = size.FileBytes,
            Quality = LanguageModelEvaluator.Evaluate(model.Model, Watched(dataset, display), textBytes, teacher?.Model, context.Cancellation),
            Reasoning = AnswerEvaluator.Reasoning(model.Model, model.Tokenizer, records, context.Cancellation),
            ToolCalls = AnswerEvaluator.ToolCalls(model.Model, model.Tokenizer, records, context.Cancellation),
        };
        return () => Print(context, score, contextTokens);
    }

    private static IEnumerable<TokenBatch> Watched(PackedDataset dataset, ProgressDisplay display)
    {
        int done = 0;
        foreach (TokenBatch batch in dataset.Batches(epoch: 0))
        {
            yield return batch;
            done++;
            display.Advance(done, dataset.BatchesPerEpoch, () => Units.Text($"batch {done} of {dataset.BatchesPerEpoch}"));
        }
    }

    private static int Print(CommandContext context, ModelScore score, int contextTokens)
    {
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, Document(score, contextTokens));
            return ExitCode.Done;
        }

        Tables.DrawScores(context.Terminal.Output, [score]);
        context.Terminal.OutputText.WriteLine(Units.Text($"{score.Quality.Tokens:N0} tokens, {score.Quality.TextBytes:N0} bytes of text, context {contextTokens}."));
        return ExitCode.Done;
    }

    private static JsonObject Document(ModelScore score, int contextTokens)
    {
        var document = new JsonObject
        {
            ["model"] = score.Name,
            ["tokens"] = score.Quality.Tokens,
            ["context_tokens"] = contextTokens,
            ["perplexity"] = JsonOutput.Number(score.Quality.Perplexity),
            ["bits_per_byte"] = JsonOutput.Number(score.Quality.BitsPerByte),
            ["bits_per_weight"] = JsonOutput.Number(score.BitsPerWeight),
            ["file_bytes"] = score.FileBytes,
        };
        Add("reasoning_accuracy", score.Reasoning?.Accuracy);
        Add("tool_accuracy", score.ToolCalls?.Accuracy);
        Add("kl_divergence", score.Quality.Teacher?.KlDivergence);
        Add("kl_99", score.Quality.Teacher?.KlDivergence99);
        Add("top1_agreement", score.Quality.Teacher?.Top1Agreement);
        Add("rms_delta_p", score.Quality.Teacher?.RmsDeltaProbability);
        return document;

        // A measure that does not apply is left out.
        void Add(string name, double? value)
        {
            if (value is not null)
            {
                document[name] = JsonOutput.Number(value);
            }
        }
    }
}
