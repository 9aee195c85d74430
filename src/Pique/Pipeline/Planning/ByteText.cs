using System.Globalization;

namespace Pique.Pipeline;

/// <summary>Amounts of memory in messages.</summary>
internal static class ByteText
{
    private const double Mega = 1e6;
    private const double Giga = 1e9;

    /// <summary>"853 MB" or "12.3 GB".</summary>
    /// <param name="bytes">Bytes.</param>
    public static string Of(double bytes) => bytes < Giga
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(bytes / Mega)} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / Giga:F1} GB");
}
