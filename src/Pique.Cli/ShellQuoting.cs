namespace Pique.Cli;

/// <summary>Writes arguments as a POSIX shell reads them.</summary>
internal static class ShellQuoting
{
    private const string PlainCharacters = "-_./=:,+@%";

    /// <summary>The argument, in single quotes where it needs them.</summary>
    /// <param name="argument">The argument.</param>
    public static string Quote(string argument) =>
        argument.Length > 0 && argument.All(character => char.IsAsciiLetterOrDigit(character) || PlainCharacters.Contains(character))
            ? argument
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
