using Pique.Configuration;

namespace Pique.Cli;

/// <summary>A value of --data: FILE, or DOMAIN=FILE for running text about something other than general matters.</summary>
internal static class DataArgument
{
    private static readonly Dictionary<string, DataDomain> Domains = Enum.GetValues<DataDomain>().ToDictionary(SnakeCase.Of);

    /// <summary>How the values are written, for the help.</summary>
    public static string Description { get; } = $"Text (.txt) or JSON Lines (.jsonl) files; running text counts as general unless written as {string.Join(", ", Domains.Keys.Skip(1).Select(name => name + "=FILE"))}.";

    /// <summary>Reads a value. A file whose name begins like a domain is reached as ./name.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The file, its path absolute.</returns>
    public static DataFile Parse(string value)
    {
        int end = value.IndexOf('=', StringComparison.Ordinal);
        return end > 0 && Domains.TryGetValue(value[..end], out DataDomain domain)
            ? new DataFile { Path = Path.GetFullPath(value[(end + 1)..]), Domain = domain }
            : new DataFile { Path = Path.GetFullPath(value) };
    }
}
