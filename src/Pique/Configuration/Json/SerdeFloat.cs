using System.Globalization;
using System.Text;

namespace Pique.Configuration;

/// <summary>The text serde_json writes for an f32: the shortest digits that read back to the same number, laid out by the rules of the ryu crate's <c>format32</c>.</summary>
internal static class SerdeFloat
{
    // Positions of the decimal point, counted from before the first digit: outside them the text has an exponent.
    private const int LastFixedPoint = 13;
    private const int FirstFixedPoint = -5;

    /// <summary>Formats a number.</summary>
    /// <param name="value">Any number; one that is not finite becomes <c>null</c>, as serde_json writes it.</param>
    /// <returns>1.0, 0.0001, 2.5e-7, 1e20, 16777216.0.</returns>
    public static string Format(float value)
    {
        if (!float.IsFinite(value))
        {
            return "null";
        }

        StringBuilder text = new();
        if (float.IsNegative(value))
        {
            text.Append('-');
        }

        if (value == 0)
        {
            return text.Append("0.0").ToString();
        }

        (string digits, int point) = ShortestDigits(MathF.Abs(value));
        return point switch
        {
            > 0 and <= LastFixedPoint when digits.Length <= point => text.Append(digits).Append('0', point - digits.Length).Append(".0").ToString(),
            > 0 and <= LastFixedPoint => text.Append(digits, 0, point).Append('.').Append(digits, point, digits.Length - point).ToString(),
            >= FirstFixedPoint and <= 0 => text.Append("0.").Append('0', -point).Append(digits).ToString(),
            _ => AppendExponent(text, digits, point - 1).ToString(),
        };
    }

    private static StringBuilder AppendExponent(StringBuilder text, string digits, int exponent)
    {
        text.Append(digits[0]);
        if (digits.Length > 1)
        {
            text.Append('.').Append(digits, 1, digits.Length - 1);
        }

        return text.Append('e').Append(exponent.ToString(CultureInfo.InvariantCulture));
    }

    // The value is 0.d1d2d3… · 10^point, d1 and the last digit not zero.
    private static (string Digits, int Point) ShortestDigits(float magnitude)
    {
        string text = magnitude.ToString("R", CultureInfo.InvariantCulture);
        int exponentAt = text.IndexOf('E', StringComparison.Ordinal);
        int exponent = exponentAt < 0 ? 0 : int.Parse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string mantissa = exponentAt < 0 ? text : text[..exponentAt];
        int pointAt = mantissa.IndexOf('.', StringComparison.Ordinal);
        int integerDigits = pointAt < 0 ? mantissa.Length : pointAt;
        string all = mantissa.Replace(".", "", StringComparison.Ordinal);
        string digits = all.TrimStart('0');
        return (digits.TrimEnd('0'), integerDigits - (all.Length - digits.Length) + exponent);
    }
}
