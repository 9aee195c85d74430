using Pique.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>A teacher's outputs for the rows of a data set, computed once and kept on disk for later epochs and runs.</summary>
/// <remarks>
/// For every position that some loss may read: the log-probabilities of the k likeliest tokens and that of all others together, at
/// temperature 1 in float32, or of all tokens; and the hidden states at the ends of reasoning steps. Values are read where they lie, a
/// chunk of positions at a time, by positioned reads: memory holds none of them, and a file that is cut short while it is read is an
/// error with a message, where a mapped one would end the process.
/// </remarks>
public sealed class TeacherCache : IDisposable
{
    private readonly List<TeacherCacheShard> _shards = [];
    private readonly TeacherCacheIndex _index;

    private TeacherCache(TeacherCacheIndex index) => _index = index;

    /// <summary>What the outputs are of.</summary>
    public TeacherCacheKey Key => _index.Key;

    /// <summary>Rows of the data set.</summary>
    public int Rows => _index.Rows;

    /// <summary>Opens a folder of teacher outputs and checks every checksum in it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="expected">What the outputs have to be of.</param>
    /// <exception cref="TeacherCacheDamagedException">A file is missing, damaged or not readable.</exception>
    /// <exception cref="InputException">They are of something else.</exception>
    public static TeacherCache Open(string folder, TeacherCacheKey expected)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(expected);
        TeacherCacheIndex index = TeacherCacheIndex.Load(folder);
        index.Key.RequireEqual(expected, folder);
        index.Verify(folder);
        TeacherCache cache = new(index);
        try
        {
            for (int file = 0; file < index.Files.Count; file++)
            {
                int rows = Math.Min(index.RowsPerFile, index.Rows - (file * index.RowsPerFile));
                cache._shards.Add(new(Path.Combine(folder, index.Files[file].File), index.Key, rows));
            }
        }
        catch
        {
            cache.Dispose();
            throw;
        }

        return cache;
    }

    /// <summary>Whether a folder holds teacher outputs.</summary>
    /// <param name="folder">The folder.</param>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, TeacherCacheIndex.FileName));

    /// <inheritdoc/>
    public void Dispose()
    {
        _shards.ForEach(shard => shard.Dispose());
        _shards.Clear();
    }

    /// <summary>The teacher's distributions at positions of a batch.</summary>
    /// <param name="batch">A batch of the data set.</param>
    /// <param name="positions">Flat positions, row·context + index.</param>
    internal TeacherRows RowsOf(TokenBatch batch, long[] positions) =>
        new CachedTeacherRows(Key, [.. positions.Select(position => Find(batch, position, static (shard, row, column) => shard.PositionOf(row, column)))]);

    /// <summary>The teacher's final-layer hidden states at the ends of steps.</summary>
    /// <param name="batch">A batch of the data set.</param>
    /// <param name="ends">Flat positions, row·context + index.</param>
    /// <returns>Shape [ends, hidden], float32, on the batch's device.</returns>
    internal Tensor EndStates(TokenBatch batch, IReadOnlyList<long> ends)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor states = empty([ends.Count, Key.HiddenSize]);
        for (int end = 0; end < ends.Count; end++)
        {
            (TeacherCacheShard shard, int index) = Find(batch, ends[end], static (shard, row, column) => shard.EndOf(row, column));
            shard.Read(TeacherCacheShard.HiddenStates, index, states.narrow(0, end, 1));
        }

        return states.to(batch.Inputs.device).MoveToOuterDisposeScope();
    }

    private (TeacherCacheShard Shard, int Index) Find(TokenBatch batch, long position, Func<TeacherCacheShard, int, int, int> find)
    {
        long context = batch.Inputs.shape[1];
        if (batch.DatasetRows.Count != batch.Inputs.shape[0])
            throw new ArgumentException($"Found a batch that names {batch.DatasetRows.Count} rows of a data set, expected {batch.Inputs.shape[0]}: kept teacher outputs are found by them.", nameof(batch));
        (int file, int row) = Math.DivRem(batch.DatasetRows[(int)(position / context)], _index.RowsPerFile);
        return (_shards[file], find(_shards[file], row, (int)(position % context)));
    }
}
