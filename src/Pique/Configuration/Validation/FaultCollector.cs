namespace Pique.Configuration;

/// <summary>Gathers the faults of one document.</summary>
internal sealed class FaultCollector
{
    private readonly List<ConfigurationFault> _faults = [];

    public IReadOnlyList<ConfigurationFault> Faults => _faults;

    public void Add(string path, string found, string expected, string fix) => _faults.Add(new ConfigurationFault(path.Length == 0 ? "$" : path, found, expected, fix));

    /// <summary>Path of a field within an object; names that are not plain are quoted and cut, since they come from the file.</summary>
    public static string Join(string path, string field)
    {
        bool isPlain = field.Length is > 0 and <= 40 && field.All(character => char.IsAsciiLetterOrDigit(character) || character == '_');
        return !isPlain ? $"{path}[{Quote(field)}]" : path.Length == 0 ? field : $"{path}.{field}";
    }

    /// <summary>A text from the file, fit for a message: quoted, at most 40 characters, control characters replaced.</summary>
    public static string Quote(string text)
    {
        const int longest = 40;
        string cut = text.Length > longest ? string.Concat(text.AsSpan(0, longest), "…") : text;
        return $"\"{string.Concat(cut.Select(character => char.IsControl(character) || char.IsSurrogate(character) ? '\uFFFD' : character))}\"";
    }
}
