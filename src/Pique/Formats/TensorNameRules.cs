namespace Pique.Formats;

/// <summary>What a tensor may be called. Names end up in messages, tables and, in other programs, in paths.</summary>
internal static class TensorNameRules
{
    /// <summary>What is wrong with a name; null where nothing is.</summary>
    /// <param name="name">Name of a tensor.</param>
    public static string? FaultOf(string name) =>
        name.Length == 0 ? "is empty"
        : name.Any(letter => letter is '/' or '\\') ? "has a path separator"
        : name.Any(char.IsControl) ? "has a control character"
        : null;
}
