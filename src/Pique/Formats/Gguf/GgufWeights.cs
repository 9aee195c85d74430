using Pique.Models.Llama;

namespace Pique.Formats.Gguf;

/// <summary>The weights of a GGUF file by their checkpoint names, dequantized as they are read, rows in the order of the checkpoint.</summary>
/// <param name="file">The file; owned by the caller.</param>
/// <param name="config">Shape of the model.</param>
internal sealed class GgufWeights(GgufFile file, LlamaConfig config) : IWeightSource
{
    private readonly Dictionary<string, GgufTensor> _tensors = ByCheckpointName(file);

    /// <inheritdoc/>
    public string Path => file.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, IReadOnlyList<long>> Shapes { get; } = ByCheckpointName(file)
        .ToDictionary(entry => entry.Key, entry => entry.Value.Shape, StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Read(string name, long firstElement, Span<float> destination)
    {
        GgufTensor tensor = _tensors[name];
        RotaryRowOrder order = GgufArchitecture.RowOrder(config, name);
        if (!order.Permutes)
        {
            file.ReadFloat32(tensor.Name, firstElement, destination);
            return;
        }

        long columns = tensor.Shape.Count > 1 ? tensor.Shape[^1] : 1;
        while (!destination.IsEmpty)
        {
            (long row, long column) = Math.DivRem(firstElement, columns);
            int count = (int)Math.Min(columns - column, destination.Length);
            file.ReadFloat32(tensor.Name, (order.FileRow(row) * columns) + column, destination[..count]);
            destination = destination[count..];
            firstElement += count;
        }
    }

    /// <summary>Does nothing: the file is the caller's.</summary>
    public void Dispose()
    {
    }

    /// <summary>Two tensors may have one name in the checkpoint: "blk.0.…" and "blk.00.…" are both of layer 0.</summary>
    private static Dictionary<string, GgufTensor> ByCheckpointName(GgufFile file)
    {
        Dictionary<string, GgufTensor> tensors = new(StringComparer.Ordinal);
        foreach (GgufTensor tensor in file.Tensors.Where(tensor => tensor.Name != GgufTensorNames.RopeFrequencyFactors))
        {
            string name = GgufTensorNames.ToCheckpoint(tensor.Name) ?? tensor.Name;
            if (!tensors.TryAdd(name, tensor))
                throw new InputException($"{file.Path}: tensors \"{MessageText.Name(tensors[name].Name)}\" and \"{MessageText.Name(tensor.Name)}\" are both {MessageText.Name(name)}, expected one of them; export the model again");
        }

        return tensors;
    }
}
