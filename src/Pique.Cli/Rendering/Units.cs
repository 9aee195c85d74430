using System.Globalization;

namespace Pique.Cli.Rendering;

/// <summary>Quantities as people read them.</summary>
internal static class Units
{
    private static readonly string[] ByteUnits = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>A duration: "0:07", "12:03", "1:02:03".</summary>
    /// <param name="duration">The duration.</param>
    public static string Duration(TimeSpan duration) => duration.TotalHours >= 1
        ? Text($"{(int)duration.TotalHours}:{duration.Minutes:D2}:{duration.Seconds:D2}")
        : Text($"{duration.Minutes}:{duration.Seconds:D2}");

    /// <summary>A file size in powers of 1000.</summary>
    /// <param name="bytes">Bytes.</param>
    public static string Bytes(long bytes)
    {
        double size = bytes;
        int unit = 0;
        while (size >= 1000 && unit < ByteUnits.Length - 1)
        {
            size /= 1000;
            unit++;
        }

        return unit == 0 ? Text($"{bytes} B") : Text($"{size:F2} {ByteUnits[unit]}");
    }

    /// <summary>A count with digits in groups of three.</summary>
    /// <param name="count">The count.</param>
    public static string Count(long count) => Text($"{count:N0}");

    /// <summary>A shape: "64 × 172".</summary>
    /// <param name="shape">Sizes.</param>
    public static string Shape(IEnumerable<long> shape) => string.Join(" × ", shape);

    /// <summary>Text in the invariant culture.</summary>
    /// <param name="text">The text.</param>
    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
