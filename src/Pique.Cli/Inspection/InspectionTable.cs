namespace Pique.Cli.Inspection;

/// <summary>A table of what a file or folder holds.</summary>
/// <param name="Name">Name of its rows in JSON, as "tensors".</param>
/// <param name="Columns">Column names in snake_case; the first is the row's name.</param>
/// <param name="Rows">Cells: text, whole numbers, fractions, shapes, ranges or null.</param>
internal sealed record InspectionTable(string Name, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<object?>> Rows);
