using System.Globalization;
using Pique.Cli.Rendering;
using Pique.Formats.Gguf;

namespace Pique.Cli.Inspection;

/// <summary>Looks into GGUF files, of models that Pique computes and of others.</summary>
internal static class GgufInspector
{
    /// <summary>Longest text and array shown whole.</summary>
    private const int LongestText = 100;

    private static readonly string[] Columns = ["name", "shape", "format", "bits_per_weight", "stored_bytes"];

    /// <summary>Lists the keys and tensors of a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file is damaged.</exception>
    public static InspectionResult Inspect(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        long elements = file.Tensors.Sum(tensor => tensor.ElementCount);
        return new InspectionResult(
            "GGUF file",
            [
                ("version", file.Version),
                ("alignment", file.Alignment),
                ("tensor_count", file.Tensors.Count),
                ("elements", elements),
                ("bits_per_weight", elements == 0 ? null : 8.0 * file.Tensors.Sum(tensor => tensor.ByteCount) / elements),
                ("file_bytes", file.FileBytes),
                .. file.Metadata.Select(pair => ($"metadata.{pair.Key}", (object?)TextOf(pair.Value))),
            ],
            "tensors",
            Columns,
            [.. file.Tensors.Select(tensor => (object?[])[tensor.Name, tensor.Shape.ToArray(), tensor.Type.Name(), 8.0 * tensor.ByteCount / tensor.ElementCount, tensor.ByteCount])]);
    }

    private static string TextOf(GgufValue value) => value switch
    {
        { Text: { } text } => text.Length <= LongestText ? text : $"{text[..LongestText]}…",
        { Integer: { } integer } => integer.ToString(CultureInfo.InvariantCulture),
        { Float: { } number } => ((float)number).ToString(CultureInfo.InvariantCulture),
        { Flag: { } flag } => flag ? "true" : "false",
        _ => Units.Text($"{value.Count:N0} values, {value.Describe()}"),
    };
}
