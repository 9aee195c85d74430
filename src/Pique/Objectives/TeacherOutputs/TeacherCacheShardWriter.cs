using System.Runtime.InteropServices;
using Pique.Formats;
using Pique.Formats.Safetensors;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>Gathers the teacher outputs of some rows and writes them as one file.</summary>
/// <param name="key">What they are of.</param>
internal sealed class TeacherCacheShardWriter(TeacherCacheKey key) : IDisposable
{
    private readonly List<int> _rowStarts = [0];
    private readonly List<int> _columns = [];
    private readonly List<int> _endStarts = [0];
    private readonly List<int> _endColumns = [];
    private readonly List<int[]> _tokenIds = [];
    private readonly List<Tensor> _logProbabilities = [];
    private readonly List<Tensor> _hiddenStates = [];

    /// <summary>Rows gathered.</summary>
    public int Rows => _rowStarts.Count - 1;

    /// <summary>Adds the places of a row.</summary>
    /// <param name="columns">Places of its positions in the row, ascending.</param>
    /// <param name="endColumns">Places of its steps' ends, ascending.</param>
    public void AddRow(IEnumerable<int> columns, IEnumerable<int> endColumns)
    {
        _columns.AddRange(columns);
        _rowStarts.Add(_columns.Count);
        _endColumns.AddRange(endColumns);
        _endStarts.Add(_endColumns.Count);
    }

    /// <summary>Adds the values of the next positions.</summary>
    /// <param name="tokenIds">The likeliest tokens, k a position; empty where all tokens are kept.</param>
    /// <param name="logProbabilities">Their values, contiguous float32 on the CPU; owned by this object from now on.</param>
    public void AddPositions(int[] tokenIds, Tensor logProbabilities)
    {
        _tokenIds.Add(tokenIds);
        _logProbabilities.Add(logProbabilities.DetachFromDisposeScope());
    }

    /// <summary>Adds the hidden states of the next ends of steps.</summary>
    /// <param name="states">Shape [ends, hidden], contiguous float32 on the CPU; owned by this object from now on.</param>
    public void AddEnds(Tensor states) => _hiddenStates.Add(states.DetachFromDisposeScope());

    /// <summary>Writes the file and forgets what was gathered.</summary>
    /// <param name="path">File to write.</param>
    public void Write(string path)
    {
        List<SafetensorsEntry> entries =
        [
            Integers(TeacherCacheShard.RowStarts, _rowStarts),
            Integers(TeacherCacheShard.Columns, _columns),
            Integers(TeacherCacheShard.EndStarts, _endStarts),
            Integers(TeacherCacheShard.EndColumns, _endColumns),
            new(TeacherCacheShard.LogProbabilities, SafetensorsDtype.F32, [_columns.Count, key.ValuesPerPosition], stream => WriteAll(stream, _logProbabilities)),
            new(TeacherCacheShard.HiddenStates, SafetensorsDtype.F32, [_endColumns.Count, key.HiddenSize], stream => WriteAll(stream, _hiddenStates)),
        ];
        if (!key.IsExact)
        {
            entries.Add(new(TeacherCacheShard.TokenIds, SafetensorsDtype.I32, [_columns.Count, key.TopK], stream =>
            {
                foreach (int[] ids in _tokenIds)
                    stream.Write(MemoryMarshal.AsBytes<int>(ids));
            }));
        }

        SafetensorsWriter.Write(path, entries);
        Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private static SafetensorsEntry Integers(string name, List<int> values) =>
        new(name, SafetensorsDtype.I32, [values.Count], stream => stream.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(values))));

    private static void WriteAll(Stream stream, List<Tensor> tensors)
    {
        foreach (Tensor values in tensors)
            TensorMemory.Visit(values, (_, piece) => stream.Write(MemoryMarshal.AsBytes(piece)));
    }

    private void Clear()
    {
        foreach (Tensor values in _logProbabilities.Concat(_hiddenStates))
            values.Dispose();
        _logProbabilities.Clear();
        _hiddenStates.Clear();
        _tokenIds.Clear();
        foreach (List<int> places in (List<int>[])[_rowStarts, _columns, _endStarts, _endColumns])
            places.Clear();
        _rowStarts.Add(0);
        _endStarts.Add(0);
    }
}
