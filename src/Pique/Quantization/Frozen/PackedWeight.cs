using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pique.Quantization.Frozen;

/// <summary>A frozen weight held as packed codes.</summary>
/// <param name="tensor">The codes and their scales.</param>
public sealed class PackedWeight(QuantizedTensor tensor) : FrozenWeight(tensor.Rows, tensor.Columns)
{
    /// <summary>The codes and their scales.</summary>
    public QuantizedTensor Tensor => tensor;

    /// <inheritdoc/>
    public override long StoredBytes => tensor.StoredBytes;

    /// <inheritdoc/>
    public override Tensor Materialize(long firstRow, long rowCount)
    {
        if (rowCount == Rows)
            return tensor.Dequantize();
        Tensor weights = empty([rowCount, Columns]);
        tensor.Dequantize(firstRow * Columns, MemoryMarshal.Cast<byte, float>(weights.bytes));
        return weights;
    }

    /// <inheritdoc/>
    public override Tensor SelectRows(Tensor rows)
    {
        long[] indices = [.. rows.cpu().data<long>()];
        Tensor selected = empty([indices.Length, Columns]);
        Span<float> values = MemoryMarshal.Cast<byte, float>(selected.bytes);
        for (int i = 0; i < indices.Length; i++)
            tensor.Dequantize(indices[i] * Columns, values.Slice(checked((int)(i * Columns)), (int)Columns));
        return selected;
    }
}
