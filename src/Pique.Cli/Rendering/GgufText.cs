using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Export;

namespace Pique.Cli.Rendering;

/// <summary>Exported GGUF files in words.</summary>
internal static class GgufText
{
    /// <summary>Header of <see cref="Row"/>.</summary>
    public static IReadOnlyList<string> Header { get; } = ["tensor", "shape", "type", "trained at", "bits/weight", "exact"];

    /// <summary>Columns of <see cref="Row"/> that hold text.</summary>
    public static IReadOnlyList<int> TextColumns { get; } = [2, 3, 5];

    /// <summary>A file in one line: where, how large, how exact.</summary>
    /// <param name="export">The file.</param>
    public static string Summary(GgufExport export) =>
        Units.Text($"{export.Path}, {Units.Bytes(export.FileBytes)}, {export.BitsPerWeight:F2} bits per weight, {Exactness(export)}");

    /// <summary>A tensor's row of the table.</summary>
    /// <param name="tensor">The tensor.</param>
    public static IReadOnlyList<string> Row(GgufExportedTensor tensor) =>
    [
        tensor.GgufName,
        Units.Shape(tensor.Shape),
        tensor.Type.Name(),
        tensor.CodeBits is { } bits ? Units.Text($"{bits} bits") : "full precision",
        Units.Text($"{tensor.BitsPerWeight:F3}"),
        tensor.IsExact ? "yes" : "NO",
    ];

    private static string Exactness(GgufExport export) => export.Tensors.Count(tensor => !tensor.IsExact) is var inexact and > 0
        ? Units.Text($"{inexact} of {export.Tensors.Count} tensors NOT exact")
        : "every tensor exact";
}
