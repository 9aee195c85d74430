using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Models;

/// <summary>Keys and values of the tokens a model has already seen, one pair a layer, so that generation computes only the new token.</summary>
/// <remarks>Buffers grow by doubling, so a token costs one small copy. Gradients do not flow through a cache: use it under <see cref="no_grad()"/>.</remarks>
public sealed class KeyValueCache : IDisposable
{
    private const int SmallestCapacityTokens = 32;

    private readonly List<(Tensor Keys, Tensor Values)> _buffers = [];

    /// <summary>Creates an empty cache.</summary>
    /// <param name="leftPadding">Per row, how many of its first tokens are padding that no other token may attend to; null for none.</param>
    public KeyValueCache(IReadOnlyList<int>? leftPadding = null) => LeftPadding = leftPadding;

    /// <summary>Per row, how many of its first tokens are padding; null for none.</summary>
    public IReadOnlyList<int>? LeftPadding { get; private set; }

    /// <summary>Tokens that every layer has seen, padding included.</summary>
    public int TokenCount { get; private set; }

    /// <summary>Tokens the first layer has room for before its buffers grow.</summary>
    internal int CapacityTokens => _buffers.Count == 0 ? 0 : (int)_buffers[0].Keys.shape[2];

    /// <summary>Appends the new tokens' keys and values of one layer and returns all of them.</summary>
    /// <param name="layerIndex">Index of the layer; in each pass layers are extended in order, all by the same tokens, and the pass ends with <see cref="Advance"/>.</param>
    /// <param name="keys">Shape [batch, kvHeads, newTokens, headSize].</param>
    /// <param name="values">Shape [batch, kvHeads, newTokens, headSize].</param>
    /// <returns>Keys and values of all tokens: views of the cache's buffers, valid until the next call for this layer.</returns>
    /// <exception cref="InvalidOperationException">The keys or values carry gradients.</exception>
    public (Tensor Keys, Tensor Values) Extend(int layerIndex, Tensor keys, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(values);
        if (keys.requires_grad || values.requires_grad)
            throw new InvalidOperationException("KeyValueCache: keys or values carry gradients, which a cache does not pass on; run the model under no_grad, or without a cache.");

        int tokenCount = TokenCount + (int)keys.shape[2];
        if (layerIndex == _buffers.Count)
            _buffers.Add((Grown(null, keys, tokenCount), Grown(null, values, tokenCount)));
        else if (tokenCount > _buffers[layerIndex].Keys.shape[2])
            _buffers[layerIndex] = (Grown(_buffers[layerIndex].Keys, keys, tokenCount), Grown(_buffers[layerIndex].Values, values, tokenCount));

        (Tensor keyBuffer, Tensor valueBuffer) = _buffers[layerIndex];
        Write(keyBuffer, keys);
        Write(valueBuffer, values);
        return (keyBuffer.narrow(2, 0, tokenCount), valueBuffer.narrow(2, 0, tokenCount));
    }

    /// <summary>Ends a pass: the tokens appended to every layer now count as seen.</summary>
    /// <param name="newTokens">Tokens appended to each layer since the last call.</param>
    public void Advance(int newTokens) => TokenCount += newTokens;

    /// <summary>Keeps some rows of the batch and forgets the others, so that finished sequences cost nothing.</summary>
    /// <param name="rows">Indices of the rows to keep, in their new order.</param>
    public void KeepRows(IReadOnlyList<int> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using IDisposable noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor index = tensor(rows.Select(row => (long)row).ToArray());
        for (int layer = 0; layer < _buffers.Count; layer++)
        {
            (Tensor keys, Tensor values) = _buffers[layer];
            Tensor rowIndex = index.to(keys.device);
            _buffers[layer] = (keys.index_select(0, rowIndex).DetachFromDisposeScope(), values.index_select(0, rowIndex).DetachFromDisposeScope());
            keys.Dispose();
            values.Dispose();
        }

        LeftPadding = LeftPadding is { } padding ? [.. rows.Select(row => padding[row])] : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((Tensor keys, Tensor values) in _buffers)
        {
            keys.Dispose();
            values.Dispose();
        }

        _buffers.Clear();
    }

    private void Write(Tensor buffer, Tensor added)
    {
        using Tensor slot = buffer.narrow(2, TokenCount, added.shape[2]);
        slot.copy_(added);
    }

    /// <summary>A buffer for at least twice the tokens, holding the old one's, which it disposes.</summary>
    private Tensor Grown(Tensor? old, Tensor added, int tokenCount)
    {
        long capacity = Math.Max(SmallestCapacityTokens, Math.Max(tokenCount, 2 * (old?.shape[2] ?? 0)));
        Tensor buffer = empty([added.shape[0], added.shape[1], capacity, added.shape[3]], added.dtype, added.device).DetachFromDisposeScope();
        if (old is not null)
        {
            using Tensor target = buffer.narrow(2, 0, TokenCount);
            using Tensor source = old.narrow(2, 0, TokenCount);
            target.copy_(source);
            old.Dispose();
        }

        return buffer;
    }
}
