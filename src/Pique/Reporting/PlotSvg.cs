using System.Globalization;
using System.Text.RegularExpressions;
using ScottPlot;

namespace Pique.Reporting;

/// <summary>Turns a plot into an SVG element that a page can hold and that is the same for the same plot.</summary>
internal static partial class PlotSvg
{
    /// <summary>Declared by the drawing library although nothing in a plot links.</summary>
    private const string UnusedNamespace = " xmlns:xlink=\"http://www.w3.org/1999/xlink\"";

    /// <summary>Renders a plot.</summary>
    /// <param name="plot">The plot.</param>
    /// <param name="widthPixels">Its width.</param>
    /// <param name="heightPixels">Its height.</param>
    public static string Render(Plot plot, int widthPixels, int heightPixels)
    {
        string document = plot.GetSvgXml(widthPixels, heightPixels);
        string svg = document[document.IndexOf("<svg", StringComparison.Ordinal)..].TrimEnd();
        return RenumberClipPaths(svg.Replace(UnusedNamespace, "", StringComparison.Ordinal));
    }

    /// <summary>Clip paths are numbered through the life of the process; counted anew, the same values give the same picture.</summary>
    private static string RenumberClipPaths(string svg)
    {
        var numbers = new Dictionary<string, int>();
        return ClipPathName().Replace(svg, match =>
        {
            numbers.TryAdd(match.Value, numbers.Count);
            return string.Create(CultureInfo.InvariantCulture, $"cl_{numbers[match.Value]}");
        });
    }

    [GeneratedRegex("(?<=id=\"|url\\(#)cl_[0-9a-f]+")]
    private static partial Regex ClipPathName();
}
