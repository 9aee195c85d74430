namespace Pique.Configuration;

/// <summary>One file of records.</summary>
public sealed record DataFile
{
    /// <summary>Path of a .txt or .jsonl file; in a recipe file, relative to the recipe's folder.</summary>
    public string Path { get; init; } = "";

    /// <summary>What the file's plain-text records are about.</summary>
    public DataDomain Domain { get; init; } = DataDomain.General;
}
