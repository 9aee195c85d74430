using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Inspection;
using Pique.Cli.Rendering;

namespace Pique.Cli.Commands;

/// <summary>pique inspect: shows what a file or folder holds.</summary>
internal static class InspectCommand
{
    public static Command Create(ContextFactory context)
    {
        var path = new Argument<string>("PATH") { Description = "Model, GGUF, safetensors, tokenizer or calibration file; model, checkpoint or run folder." };
        var command = new Command("inspect", "Show what a file or folder holds: layers, bits, scales, sizes.") { path };
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            settings.StartTorch();
            return Run(settings, parsed.GetRequiredValue(path));
        });
        return command;
    }

    private static int Run(CommandContext context, string path)
    {
        InspectionResult result = Inspector.Inspect(path);
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, Document(path, result));
            return ExitCode.Done;
        }

        Tables.DrawPairs(context.Terminal.Output, [("path", path), ("kind", result.Kind), .. result.Facts.Select(fact => (fact.Name.Replace('_', ' '), TextOf(fact.Name, fact.Value)))]);
        if (result.Rows.Count > 0)
        {
            Tables.Draw(
                context.Terminal.Output,
                [.. result.Columns.Select(column => column.Replace('_', ' '))],
                result.Rows.Select(row => (IReadOnlyList<string>)[.. row.Zip(result.Columns, (cell, column) => TextOf(column, cell))]));
        }

        return ExitCode.Done;
    }

    private static JsonObject Document(string path, InspectionResult result)
    {
        var document = new JsonObject { ["path"] = path, ["kind"] = result.Kind };
        foreach ((string name, object? value) in result.Facts)
        {
            document[name] = NodeOf(value);
        }

        if (result.Columns.Count > 0)
        {
            document[result.TableName] = new JsonArray([.. result.Rows.Select(row => (JsonNode)new JsonObject(
                result.Columns.Zip(row, (column, cell) => KeyValuePair.Create(column, NodeOf(cell)))))]);
        }

        return document;
    }

    private static JsonNode? NodeOf(object? value) => value switch
    {
        null => null,
        int number => number,
        long number => number,
        double number => JsonOutput.Number(number),
        long[] shape => JsonOutput.Numbers(shape),
        string text => text,
        _ => throw new InvalidOperationException($"No JSON for a {value.GetType().Name}."),
    };

    private static string TextOf(string name, object? value) => value switch
    {
        null => "–",
        long bytes when name.EndsWith("_bytes", StringComparison.Ordinal) => Units.Bytes(bytes),
        int number => Units.Text($"{number}"),
        long number => Units.Count(number),
        double number => Units.Text($"{number:G5}"),
        long[] shape => Units.Shape(shape),
        _ => (string)value,
    };
}
