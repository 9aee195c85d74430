using Pique.Evaluation;
using Pique.Reporting;
using Spectre.Console;

namespace Pique.Cli.Rendering;

/// <summary>Draws tables and headers.</summary>
internal static class Tables
{
    /// <summary>A table: the first column left, the others right-aligned unless named as text.</summary>
    /// <param name="console">Where to draw.</param>
    /// <param name="header">Column names.</param>
    /// <param name="rows">Cells by row.</param>
    /// <param name="textColumns">Further columns to align left, by index.</param>
    public static void Draw(IAnsiConsole console, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows, params IReadOnlyList<int> textColumns)
    {
        var table = new Table { Border = TableBorder.Simple };
        for (int column = 0; column < header.Count; column++)
        {
            Justify alignment = column == 0 || textColumns.Contains(column) ? Justify.Left : Justify.Right;
            table.AddColumn(new TableColumn(new Text(header[column])) { Alignment = alignment, NoWrap = column == 0 });
        }

        foreach (IReadOnlyList<string> row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        console.Write(table);
    }

    /// <summary>Names and values in two aligned columns.</summary>
    /// <param name="console">Where to draw.</param>
    /// <param name="entries">Names and values.</param>
    public static void DrawPairs(IAnsiConsole console, IReadOnlyList<(string Name, string Value)> entries)
    {
        int width = entries.Count == 0 ? 0 : entries.Max(entry => entry.Name.Length);
        foreach ((string name, string value) in entries)
        {
            console.Profile.Out.Writer.WriteLine($"{name.PadRight(width)}  {value}".TrimEnd());
        }
    }

    /// <summary>The closing table of a run and the plain answer whether quality survived.</summary>
    /// <param name="console">Where to draw.</param>
    /// <param name="scores">Rows, the teacher first.</param>
    public static void DrawScores(IAnsiConsole console, IReadOnlyList<ModelScore> scores) =>
        Draw(console, ScoreTable.Header, scores.Select(ScoreTable.Row));

    /// <summary>The verdict, loud where quality got worse.</summary>
    /// <param name="console">Where to draw.</param>
    /// <param name="scores">Rows, the teacher first.</param>
    public static void DrawVerdict(IAnsiConsole console, IReadOnlyList<ModelScore> scores)
    {
        QualityVerdict verdict = QualityVerdict.Of(scores);
        string text = verdict.IsWorse ? $"WARNING: {verdict.Text}" : verdict.Text;
        console.Write(new Text(text + "\n", verdict.IsWorse ? new Style(Color.Red, decoration: Decoration.Bold) : new Style(Color.Green)));
    }
}
