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

        Tables.DrawPairs(context.Terminal.Output, [("path", path), ("kind", result.Kind), .. result.Facts.SelectMany(Lines)]);
        Draw(context.Terminal, result.Columns, result.Rows);
        foreach (InspectionTable table in result.MoreTables.Where(table => table.Rows.Count > 0))
        {
            context.Terminal.OutputText.WriteLine(table.Name.Replace('_', ' '));
            Draw(context.Terminal, table.Columns, table.Rows);
        }

        return ExitCode.Done;
    }

    /// <summary>A line for a fact, and one for every item of a list.</summary>
    private static IEnumerable<(string Name, string Value)> Lines((string Name, object? Value) fact)
    {
        string name = fact.Name.Replace('_', ' ');
        return fact.Value is string[] { Length: > 0 } items
            ? items.Select((item, index) => (index == 0 ? name : "", item))
            : [(name, TextOf(fact.Name, fact.Value))];
    }

    private static void Draw(Terminal terminal, IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<object?>> rows)
    {
        if (rows.Count > 0)
        {
            Tables.Draw(
                terminal.Output,
                [.. columns.Select(column => column.Replace('_', ' '))],
                rows.Select(row => (IReadOnlyList<string>)[.. row.Zip(columns, (cell, column) => TextOf(column, cell))]));
        }
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
            document[result.TableName] = RowsOf(result.Columns, result.Rows);
        }

        foreach (InspectionTable table in result.MoreTables)
        {
            document[table.Name] = RowsOf(table.Columns, table.Rows);
        }

        return document;
    }

    private static JsonArray RowsOf(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<object?>> rows) =>
        [.. rows.Select(row => (JsonNode)new JsonObject(columns.Zip(row, (column, cell) => KeyValuePair.Create(column, NodeOf(cell)))))];

    private static JsonNode? NodeOf(object? value) => value switch
    {
        null => null,
        int number => number,
        long number => number,
        double number => JsonOutput.Number(number),
        long[] shape => JsonOutput.Numbers(shape),
        double[] range => new JsonArray([.. range.Select(end => JsonOutput.Number(end))]),
        string[] items => new JsonArray([.. items.Select(item => (JsonNode)item)]),
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
        double[] range => string.Join(" to ", range.Select(end => Units.Text($"{end:G4}"))),
        string[] { Length: 0 } => "–",
        _ => (string)value,
    };
}
