using System.Globalization;
using System.Net;
using System.Text;
using Pique.Models.Rotation;

namespace Pique.Reporting;

/// <summary>Writes the report of a run as one self-contained HTML page: no script, no outside reference.</summary>
public static class HtmlReport
{
    private const string Style = """
        :root{color-scheme:light dark}
        body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
        table{border-collapse:collapse;margin:1rem 0}
        th,td{padding:.3rem .8rem;text-align:right;border-bottom:1px solid #8886}
        th:first-child,td:first-child{text-align:left}
        .verdict{padding:.6rem 1rem;border-left:.3rem solid #2a7;background:#2a71}
        .verdict.worse{border-color:#d70;background:#d701}
        .plot{overflow-x:auto}.plot svg{background:#fff}
        """;

    /// <summary>Renders the page.</summary>
    /// <param name="report">What to show.</param>
    /// <returns>An HTML document.</returns>
    public static string Render(RunReport report)
    {
        var page = new StringBuilder();
        QualityVerdict verdict = QualityVerdict.Of(report.Scores);
        page.Append(CultureInfo.InvariantCulture, $"""
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <title>{Escape(report.Title)}</title><style>{Style}</style></head><body>
            <h1>{Escape(report.Title)}</h1>
            <p class="verdict{(verdict.IsWorse ? " worse" : "")}">{Escape(verdict.Text)}</p>

            """);
        AppendTable(page, "Held-out quality", ScoreTable.Header, report.Scores.Select(ScoreTable.Row));
        page.Append("<h2>Training</h2>\n<div class=\"plot\">").Append(LossPlot.Draw(report.Losses)).Append("</div>\n");
        AppendTable(page, "Choices", ["name", "value"], report.Choices.Select(choice => (IReadOnlyList<string>)[choice.Name, choice.Value]));
        AppendTable(page, "Layers", ["layer", "shape", "bits", "grid", "bits/weight", "SQNR dB"], report.Layers.Select(LayerRow));
        if (report.Incoherence.Count > 0)
        {
            AppendTable(page, "Incoherence", ["layer", "μ before rotation", "μ after"], report.Incoherence.Select(IncoherenceRow));
        }

        return page.Append("</body></html>\n").ToString();
    }

    private static IReadOnlyList<string> LayerRow(LayerSummary layer) =>
    [
        layer.Name,
        string.Join(" × ", layer.Shape),
        layer.Bits.ToString(CultureInfo.InvariantCulture),
        layer.Grid,
        layer.BitsPerWeight.ToString("F3", CultureInfo.InvariantCulture),
        layer.SignalToNoiseDecibels.ToString("F2", CultureInfo.InvariantCulture),
    ];

    private static IReadOnlyList<string> IncoherenceRow(LayerIncoherence layer) =>
        [layer.Name, layer.Before.ToString("F2", CultureInfo.InvariantCulture), layer.After.ToString("F2", CultureInfo.InvariantCulture)];

    private static void AppendTable(StringBuilder page, string caption, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        page.Append(CultureInfo.InvariantCulture, $"<h2>{Escape(caption)}</h2>\n<table><thead>");
        AppendRow(page, "th", header);
        page.Append("</thead><tbody>\n");
        foreach (IReadOnlyList<string> row in rows)
        {
            AppendRow(page, "td", row);
        }

        page.Append("</tbody></table>\n");
    }

    private static void AppendRow(StringBuilder page, string cell, IReadOnlyList<string> values)
    {
        page.Append("<tr>");
        foreach (string value in values)
        {
            page.Append(CultureInfo.InvariantCulture, $"<{cell}>{Escape(value)}</{cell}>");
        }

        page.Append("</tr>\n");
    }

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
