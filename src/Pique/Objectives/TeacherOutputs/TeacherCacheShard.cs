using Pique.Formats;
using Pique.Formats.Safetensors;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>One file of teacher outputs, opened: which positions of which rows it has, and their values on demand.</summary>
internal sealed class TeacherCacheShard : IDisposable
{
    /// <summary>First position of each row, and their number; int32.</summary>
    public const string RowStarts = "row_starts";

    /// <summary>Place of each position in its row, ascending; int32.</summary>
    public const string Columns = "columns";

    /// <summary>The likeliest tokens of each position, [positions, k], int32; absent where all tokens are kept.</summary>
    public const string TokenIds = "token_ids";

    /// <summary>Their log-probabilities and that of all others together, [positions, k + 1], or all tokens', [positions, vocabulary]; float32.</summary>
    public const string LogProbabilities = "log_probabilities";

    /// <summary>First end of a reasoning step of each row, and their number; int32.</summary>
    public const string EndStarts = "end_starts";

    /// <summary>Place of each end in its row, ascending; int32.</summary>
    public const string EndColumns = "end_columns";

    /// <summary>Hidden states there, [ends, hidden], float32.</summary>
    public const string HiddenStates = "hidden_states";

    private readonly SafetensorsFile _file;
    private readonly int[] _rowStarts;
    private readonly int[] _columns;
    private readonly int[] _endStarts;
    private readonly int[] _endColumns;

    /// <summary>Opens a file whose checksum was found right.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">What it is of.</param>
    /// <param name="rows">Rows it has.</param>
    /// <exception cref="InputException">It cannot be read, or its tensors are not those of a file of this key.</exception>
    public TeacherCacheShard(string path, TeacherCacheKey key, int rows)
    {
        _file = SafetensorsFile.Open(path);
        try
        {
            (_rowStarts, _columns) = ReadPlaces(RowStarts, Columns, rows);
            (_endStarts, _endColumns) = ReadPlaces(EndStarts, EndColumns, rows);
            Require(LogProbabilities, SafetensorsDtype.F32, _columns.Length, key.ValuesPerPosition);
            Require(HiddenStates, SafetensorsDtype.F32, _endColumns.Length, key.HiddenSize);
            if (!key.IsExact)
                Require(TokenIds, SafetensorsDtype.I32, _columns.Length, key.TopK);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Index of a position among those of the file.</summary>
    /// <param name="row">Row, from the file's first.</param>
    /// <param name="column">Place in the row.</param>
    public int PositionOf(int row, int column) => Find(_rowStarts, _columns, row, column, "position");

    /// <summary>Index of a step's end among those of the file.</summary>
    /// <param name="row">Row, from the file's first.</param>
    /// <param name="column">Place in the row.</param>
    public int EndOf(int row, int column) => Find(_endStarts, _endColumns, row, column, "end of a step");

    /// <summary>Reads token ids of consecutive positions.</summary>
    /// <param name="position">The first.</param>
    /// <param name="destination">Filled completely.</param>
    public void ReadTokenIds(int position, Span<int> destination) => _file.ReadInt32(TokenIds, position * _file[TokenIds].Shape[1], destination);

    /// <summary>Reads consecutive rows of a float32 tensor of the file.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="first">First row.</param>
    /// <param name="destination">Filled completely; contiguous float32 on the CPU, as wide as the tensor.</param>
    public void Read(string name, long first, Tensor destination)
    {
        long start = first * _file[name].Shape[1];
        TensorMemory.Visit(destination, (element, values) => _file.ReadFloat32(name, start + element, values));
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private int Find(int[] starts, int[] columns, int row, int column, string what)
    {
        int found = Array.BinarySearch(columns, starts[row], starts[row + 1] - starts[row], column);
        return found >= 0 ? found : throw new InputException($"{_file.Path}: has no {what} {column} in row {row}; delete the folder to have the teacher outputs made anew.");
    }

    private (int[] Starts, int[] Columns) ReadPlaces(string startsName, string columnsName, int rows)
    {
        Require(startsName, SafetensorsDtype.I32, rows + 1);
        int[] starts = new int[rows + 1];
        _file.ReadInt32(startsName, 0, starts);
        Require(columnsName, SafetensorsDtype.I32, starts[^1]);
        if (starts[0] != 0 || starts.Zip(starts.Skip(1)).Any(pair => pair.First > pair.Second))
            throw Fault(startsName, "are not ascending from 0");
        int[] columns = new int[starts[^1]];
        _file.ReadInt32(columnsName, 0, columns);
        for (int row = 0; row < rows; row++)
        {
            for (int i = starts[row] + 1; i < starts[row + 1]; i++)
            {
                if (columns[i] <= columns[i - 1])
                    throw Fault(columnsName, $"of row {row} are not ascending");
            }
        }

        return (starts, columns);
    }

    private void Require(string name, SafetensorsDtype dtype, params long[] shape)
    {
        SafetensorsTensor found = _file[name];
        if (found.Dtype != dtype || !found.Shape.SequenceEqual(shape))
            throw new InputException($"{_file.Path}: tensor \"{name}\" is {found.Dtype.FormatName()} {Shapes.Format(found.Shape)}, expected {dtype.FormatName()} {Shapes.Format(shape)}; delete the folder to have the teacher outputs made anew.");
    }

    private InputException Fault(string name, string fault) => new($"{_file.Path}: the values of \"{name}\" {fault}; delete the folder to have the teacher outputs made anew.");
}
