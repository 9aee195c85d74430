using Pique.Quantization;

namespace Pique.Formats.Gguf.Carriers;

/// <summary>Writes the rows of a quantized matrix as blocks of a type, and reads each back to see that nothing changed.</summary>
/// <param name="tensor">The matrix.</param>
/// <param name="carrier">The type; the row length is a multiple of its blocks.</param>
internal sealed class CarrierEncoder(QuantizedTensor tensor, Carrier carrier)
{
    private readonly GridRow _row = new(tensor);
    private readonly float[] _weights = new float[tensor.Columns];
    private readonly float[] _readBack = new float[tensor.Columns];

    /// <summary>The blocks of the row encoded last.</summary>
    public byte[] Blocks { get; } = new byte[carrier.Type.ByteCount([tensor.Columns])];

    /// <summary>Whether the type holds a matrix exactly.</summary>
    /// <param name="tensor">The matrix.</param>
    /// <param name="carrier">The type.</param>
    public static bool Holds(QuantizedTensor tensor, Carrier carrier)
    {
        if (tensor.Layout.WeightCount == 0 || tensor.Columns % carrier.Type.BlockWeights() != 0)
            return false;
        CarrierEncoder encoder = new(tensor, carrier);
        for (long row = 0; row < tensor.Rows; row++)
        {
            if (!encoder.TryEncode(row))
                return false;
        }

        return true;
    }

    /// <summary>Encodes a row into <see cref="Blocks"/>.</summary>
    /// <param name="row">Row, from 0.</param>
    /// <returns>Whether the blocks read back as the row's weights; zeros of either sign are equal.</returns>
    public bool TryEncode(long row)
    {
        _row.Load(row);
        Array.Clear(Blocks);
        int blockWeights = carrier.Type.BlockWeights(), blockBytes = carrier.Type.BlockBytes();
        for (int block = 0; block < Blocks.Length / blockBytes; block++)
        {
            if (!carrier.TryWrite(_row.Slice(block * blockWeights, blockWeights), Blocks.AsSpan(block * blockBytes, blockBytes)))
                return false;
        }

        tensor.Dequantize(row * tensor.Columns, _weights);
        GgufBlocks.Dequantize(carrier.Type, Blocks, _readBack);
        return _weights.AsSpan().SequenceEqual(_readBack);
    }
}
