namespace Pique.Formats.Gguf.Export;

/// <summary>llama.cpp's number for the type that most of a file is in, "general.file_type"; runtimes only show it.</summary>
internal static class FileType
{
    /// <summary>The number for a file.</summary>
    /// <param name="tensors">All tensors.</param>
    public static uint Of(IEnumerable<GgufExportedTensor> tensors)
    {
        GgufTensorType commonest = tensors
            .Where(tensor => tensor.Shape.Count > 1)
            .GroupBy(tensor => tensor.Type, tensor => Shapes.ElementCount(tensor.Shape))
            .OrderByDescending(group => group.Sum()).ThenBy(group => group.Key)
            .First().Key;
        return commonest switch
        {
            GgufTensorType.F32 => 0,
            GgufTensorType.F16 => 1,
            GgufTensorType.Q4_0 => 2,
            GgufTensorType.Q4_1 => 3,
            GgufTensorType.Q8_0 => 7,
            GgufTensorType.Q5_0 => 8,
            GgufTensorType.Q5_1 => 9,
            GgufTensorType.Q2_K => 10,
            GgufTensorType.Q3_K => 11,
            GgufTensorType.Q4_K => 14,
            GgufTensorType.Q5_K => 16,
            GgufTensorType.Q6_K => 18,
            GgufTensorType.BF16 => 32,
            GgufTensorType.TQ1_0 => 36,
            GgufTensorType.TQ2_0 => 37,
            GgufTensorType.Q1_0 => 40,
            GgufTensorType.Q2_0 => 41,
            _ => throw new ArgumentOutOfRangeException(nameof(tensors), commonest, "Unknown type."),
        };
    }
}
