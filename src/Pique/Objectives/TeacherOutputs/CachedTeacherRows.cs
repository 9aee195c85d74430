using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>Distributions read from kept teacher outputs.</summary>
/// <param name="key">What they are of.</param>
/// <param name="places">Where each selected position's values lie.</param>
internal sealed class CachedTeacherRows(TeacherCacheKey key, (TeacherCacheShard Shard, int Index)[] places) : TeacherRows
{
    private Tensor? _logProbabilities;
    private Tensor? _scratch;

    /// <inheritdoc/>
    public override TeacherLogits Read(int first, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        _logProbabilities ??= empty([count, key.ValuesPerPosition]).DetachFromDisposeScope();
        Tensor values = _logProbabilities.narrow(0, 0, count);
        int[] ids = new int[key.IsExact ? 0 : (long)count * key.TopK];
        for (int start = 0, length; start < count; start += length)
        {
            (TeacherCacheShard shard, int index) = places[first + start];
            length = RunLength(first + start, count - start);
            shard.Read(TeacherCacheShard.LogProbabilities, index, values.narrow(0, start, length));
            if (!key.IsExact)
                shard.ReadTokenIds(index, ids.AsSpan(start * key.TopK, length * key.TopK));
        }

        if (key.IsExact)
            return new TeacherLogits.All(values.MoveToOuterDisposeScope());
        _scratch ??= empty_like(_logProbabilities).DetachFromDisposeScope();
        return new TeacherLogits.Likeliest(
            tensor(ids, [count, key.TopK]).MoveToOuterDisposeScope(), values.MoveToOuterDisposeScope(), _scratch.narrow(0, 0, count).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        _logProbabilities?.Dispose();
        _scratch?.Dispose();
    }

    /// <summary>Positions from a place on that lie side by side in one file.</summary>
    private int RunLength(int place, int most)
    {
        (TeacherCacheShard shard, int index) = places[place];
        int length = 1;
        while (length < most && places[place + length] == (shard, index + length))
            length++;
        return length;
    }
}
