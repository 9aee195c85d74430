using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Formats.Gguf.Carriers;

/// <summary>One row of a quantized matrix, unpacked: what every code stands for.</summary>
/// <param name="tensor">The matrix.</param>
internal sealed class GridRow(QuantizedTensor tensor)
{
    private readonly byte[] _codes = new byte[tensor.Columns];
    private readonly float[] _scales = new float[tensor.Columns];
    private readonly float[] _superScales = new float[tensor.Columns];
    private readonly float[] _zeros = new float[tensor.Columns];

    /// <summary>Unpacks a row.</summary>
    /// <param name="row">Row, from 0.</param>
    public void Load(long row)
    {
        GroupLayout layout = tensor.Layout;
        tensor.UnpackRow(row, _codes);
        long firstWeight = row * tensor.Columns;
        for (long column = 0; column < tensor.Columns;)
        {
            (long line, long inLine) = Math.DivRem(firstWeight + column, layout.LineWidth);
            long block = inLine / layout.BlockSize;
            long group = (line * layout.BlocksPerLine) + block;
            int count = (int)Math.Min(Math.Min(layout.BlockSize, layout.LineWidth - (block * layout.BlockSize)) - (inLine % layout.BlockSize), tensor.Columns - column);
            _scales.AsSpan((int)column, count).Fill(tensor.ScaleOf(group));
            _superScales.AsSpan((int)column, count).Fill(tensor.SuperScaleOf(group));
            _zeros.AsSpan((int)column, count).Fill((tensor.ZeroPoints is { } zeroPoints ? zeroPoints.Span[(int)group] : tensor.Grid.SymmetricZeroPoint) - tensor.Grid.Offset);
            column += count;
        }
    }

    /// <summary>Consecutive weights of the row.</summary>
    /// <param name="first">First column.</param>
    /// <param name="count">Number of weights.</param>
    public GridBlock Slice(int first, int count) =>
        new(_codes.AsSpan(first, count), _scales.AsSpan(first, count), _superScales.AsSpan(first, count), _zeros.AsSpan(first, count));
}
