using Pique.Formats.Safetensors;

namespace Pique.Cli.Inspection;

/// <summary>Looks into safetensors files.</summary>
internal static class TensorFileInspector
{
    /// <summary>Lists the tensors of a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file is damaged.</exception>
    public static InspectionResult Inspect(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return new InspectionResult(
            "safetensors file",
            [
                ("tensor_count", file.Tensors.Count),
                ("elements", file.Tensors.Sum(tensor => tensor.ElementCount)),
                ("file_bytes", new FileInfo(path).Length),
                .. file.Metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => ($"metadata.{entry.Key}", (object?)entry.Value)),
            ],
            "tensors",
            ["name", "shape", "format", "stored_bytes"],
            [.. file.Tensors.Select(tensor => (object?[])[tensor.Name, tensor.Shape.ToArray(), tensor.Dtype.FormatName(), tensor.StoredBytes])]);
    }
}
