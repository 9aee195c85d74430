using System.Globalization;

namespace Pique.Configuration;

/// <summary>Checks the values of one object's fields and reports those that are wrong.</summary>
/// <param name="path">JSON path of the object.</param>
/// <param name="faults">Where faults go.</param>
internal sealed class RuleChecker(string path, FaultCollector faults)
{
    public RuleChecker Within(string field) => new(FaultCollector.Join(path, field), faults);

    public RuleChecker Item(string field, int index) => new($"{FaultCollector.Join(path, field)}[{index}]", faults);

    public void Reject(string field, string found, string expected, string fix) =>
        faults.Add(field.Length == 0 ? path : FaultCollector.Join(path, field), found, expected, fix);

    public void AtLeast(string field, long value, long least)
    {
        if (value < least)
        {
            Reject(field, Text(value), $"{Text(least)} or more", $"set it to {Text(least)} or more");
        }
    }

    public void Between(string field, int value, int least, int greatest)
    {
        if (value < least || value > greatest)
        {
            Reject(field, Text(value), $"{Text(least)} to {Text(greatest)}", $"set it to {Text(Math.Clamp(value, least, greatest))}");
        }
    }

    public void OneOf(string field, int value, params ReadOnlySpan<int> allowed)
    {
        if (!allowed.Contains(value))
        {
            int[] choices = allowed.ToArray();
            string expected = $"{string.Join(", ", choices[..^1].Select(choice => Text(choice)))} or {Text(choices[^1])}";
            Reject(field, Text(value), expected, $"set it to {Text(choices.MinBy(choice => Math.Abs((long)choice - value)))}");
        }
    }

    public void Positive(string field, float? value, string example)
    {
        if (value is float number && !(number > 0 && float.IsFinite(number)))
        {
            Reject(field, Text(number), "a finite number greater than zero", $"set it to a value as {example}");
        }
    }

    public void NotNegative(string field, float? value)
    {
        if (value is float number && !(number >= 0 && float.IsFinite(number)))
        {
            Reject(field, Text(number), "a finite number, zero or more", "set it to 0.0 or more");
        }
    }

    public void Fraction(string field, float value, bool includesOne)
    {
        if (!(value >= 0 && (includesOne ? value <= 1 : value < 1)))
        {
            Reject(field, Text(value), includesOne ? "0.0 to 1.0" : "0.0 or more and less than 1.0", "set it to a value within");
        }
    }

    public void Present(string field, string? value, string expected)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            Reject(field, "nothing", expected, $"add \"{field}\"");
        }
    }

    public void FilePath(string field, string? value, string expected)
    {
        Present(field, value, expected);
        if (value is not null && value.Contains('\0', StringComparison.Ordinal))
        {
            Reject(field, "a path with a zero character", expected, "remove the character");
        }
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(float value) => float.IsFinite(value) ? SerdeFloat.Format(value) : value.ToString(CultureInfo.InvariantCulture);
}
