namespace Pique.Cli.Inspection;

/// <summary>What a file or folder holds: facts by name, and tables.</summary>
/// <param name="Kind">What it is, as "packed model".</param>
/// <param name="Facts">Names and values: text, lists of text, whole numbers or fractions.</param>
/// <param name="TableName">Name of the table's rows in JSON, as "tensors".</param>
/// <param name="Columns">Column names in snake_case; the first is the row's name.</param>
/// <param name="Rows">Cells: text, whole numbers, fractions, shapes or null.</param>
internal sealed record InspectionResult(
    string Kind,
    IReadOnlyList<(string Name, object? Value)> Facts,
    string TableName,
    IReadOnlyList<string> Columns,
    IReadOnlyList<IReadOnlyList<object?>> Rows)
{
    /// <summary>Further tables, under headings of their own.</summary>
    public IReadOnlyList<InspectionTable> MoreTables { get; init; } = [];
}
