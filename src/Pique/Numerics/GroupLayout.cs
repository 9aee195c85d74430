using Pique.Configuration;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Which weights of a matrix share a scale.</summary>
/// <remarks>
/// Every granularity is one picture: the weights, read row by row, form <see cref="LineCount"/> lines of
/// <see cref="LineWidth"/> weights, and a line is cut into blocks of <see cref="BlockSize"/>, the last of which may be shorter.
/// Per tensor, the whole matrix is one line of one block; per channel, a row is a line of one block. Scales have shape
/// [lines, blocksPerLine].
/// </remarks>
public sealed record GroupLayout
{
    private GroupLayout(long rows, long columns, long lineCount, long lineWidth, long blockSize)
    {
        Rows = rows;
        Columns = columns;
        LineCount = lineCount;
        LineWidth = lineWidth;
        BlockSize = Math.Max(1, Math.Min(blockSize, lineWidth));
    }

    /// <summary>Rows of the matrix: output features.</summary>
    public long Rows { get; }

    /// <summary>Columns of the matrix: input features.</summary>
    public long Columns { get; }

    /// <summary>Lines the weights are read as.</summary>
    public long LineCount { get; }

    /// <summary>Weights in a line.</summary>
    public long LineWidth { get; }

    /// <summary>Weights in a block; the last block of a line may hold fewer.</summary>
    public long BlockSize { get; }

    /// <summary>Weights in the last block of a line.</summary>
    public long TailSize => LineWidth - ((BlocksPerLine - 1) * BlockSize);

    /// <summary>Blocks in a line, the shorter last one included.</summary>
    public long BlocksPerLine => (LineWidth + BlockSize - 1) / BlockSize;

    /// <summary>Groups of weights that share a scale.</summary>
    public long GroupCount => LineCount * BlocksPerLine;

    /// <summary>Weights in the matrix.</summary>
    public long WeightCount => Rows * Columns;

    /// <summary>Shape of the scales: [lines, blocksPerLine].</summary>
    public long[] ScaleShape => [LineCount, BlocksPerLine];

    /// <summary>Lays a granularity over a matrix.</summary>
    /// <param name="granularity">Which weights share a scale.</param>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <returns>The layout.</returns>
    /// <exception cref="InputException">The block size is below 1.</exception>
    public static GroupLayout For(QuantGranularity granularity, long rows, long columns) => granularity switch
    {
        QuantGranularity.PerTensor => new(rows, columns, 1, rows * columns, rows * columns),
        QuantGranularity.PerBlock { BlockSize: < 1 } block => throw new InputException(
            $"granularity.PerBlock.block_size: found {block.BlockSize}, expected 1 or more."),
        QuantGranularity.PerBlock block => new(rows, columns, rows, columns, block.BlockSize),
        QuantGranularity.PerChannel or QuantGranularity.PerToken => new(rows, columns, rows, columns, columns),
        _ => throw new ArgumentOutOfRangeException(nameof(granularity), granularity, "Unknown granularity."),
    };

    /// <summary>One group for each row.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <returns>The layout.</returns>
    internal static GroupLayout PerRow(long rows, long columns) => new(rows, columns, rows, columns, columns);

    /// <summary>The same for another number of rows.</summary>
    /// <param name="rows">Rows.</param>
    /// <exception cref="InvalidOperationException">Rows share scales.</exception>
    internal GroupLayout WithRows(long rows) => LineCount == Rows
        ? new(rows, Columns, rows, Columns, BlockSize)
        : throw new InvalidOperationException("Rows share scales, so that some of them have no layout of their own.");

    /// <summary>Index of the group a weight belongs to, counting along the scales row by row.</summary>
    /// <param name="weightIndex">Index of the weight, counting row by row.</param>
    /// <returns>Index of its scale.</returns>
    public long GroupOf(long weightIndex)
    {
        (long line, long column) = Math.DivRem(weightIndex, LineWidth);
        return (line * BlocksPerLine) + (column / BlockSize);
    }

    /// <summary>The runs of equally long blocks in a line: the full blocks, then the shorter last one where there is one.</summary>
    internal IEnumerable<Segment> Segments()
    {
        if (WeightCount == 0)
            yield break;
        long fullBlocks = LineWidth / BlockSize;
        yield return new Segment(0, 0, fullBlocks, BlockSize);
        long tail = LineWidth - (fullBlocks * BlockSize);
        if (tail > 0)
            yield return new Segment(fullBlocks * BlockSize, fullBlocks, 1, tail);
    }

    /// <summary>The weights of a segment, as a view of shape [lines, blocks, blockSize].</summary>
    internal Tensor WeightView(Tensor weight, Segment segment) => weight
        .view(-1, LineWidth)
        .narrow(1, segment.FirstColumn, segment.BlockCount * segment.BlockSize)
        .view(-1, segment.BlockCount, segment.BlockSize);

    /// <summary>Per-group values of a segment, as a view of shape [lines, blocks, 1].</summary>
    internal static Tensor GroupView(Tensor groups, Segment segment) =>
        groups.narrow(1, segment.FirstBlock, segment.BlockCount).unsqueeze(-1);

    /// <summary>A run of equally long blocks in each line.</summary>
    internal readonly record struct Segment(long FirstColumn, long FirstBlock, long BlockCount, long BlockSize);
}
