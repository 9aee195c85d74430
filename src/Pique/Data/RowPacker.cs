namespace Pique.Data;

/// <summary>Part of a record inside a row.</summary>
/// <param name="Record">Index of the record.</param>
/// <param name="Start">First token of the record that the row holds.</param>
/// <param name="Length">Tokens held.</param>
internal readonly record struct RowPiece(int Record, int Start, int Length);

/// <summary>Lays records into rows: each into the first of the latest open rows that has room for the whole of it.</summary>
/// <remarks>
/// First fit (Johnson 1974) over a bounded number of open rows, so packing takes linear time. A record longer than a row is cut into
/// full windows; what is left over is packed like a short record.
/// </remarks>
internal sealed class RowPacker(int contextTokens)
{
    private const int MostOpenRows = 64;
    private readonly List<(List<RowPiece> Pieces, int Room)> _open = [];

    /// <summary>Rows in the order in which they were opened.</summary>
    public List<List<RowPiece>> Rows { get; } = [];

    /// <summary>Lays the next record.</summary>
    /// <param name="record">Index of the record.</param>
    /// <param name="tokenCount">Its tokens.</param>
    public void Add(int record, int tokenCount)
    {
        int start = 0;
        for (; tokenCount - start >= contextTokens; start += contextTokens)
        {
            Rows.Add([new RowPiece(record, start, contextTokens)]);
        }

        int rest = tokenCount - start;
        if (rest == 0)
        {
            return;
        }

        int fitting = _open.FindIndex(row => row.Room >= rest);
        if (fitting < 0)
        {
            if (_open.Count == MostOpenRows)
            {
                _open.RemoveAt(0);
            }

            fitting = _open.Count;
            _open.Add(([], contextTokens));
            Rows.Add(_open[fitting].Pieces);
        }

        (List<RowPiece> pieces, int room) = _open[fitting];
        pieces.Add(new RowPiece(record, start, rest));
        if (room == rest)
        {
            _open.RemoveAt(fitting);
        }
        else
        {
            _open[fitting] = (pieces, room - rest);
        }
    }
}
