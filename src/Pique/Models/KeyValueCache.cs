using static TorchSharp.torch;

namespace Pique.Models;

/// <summary>Keys and values of the tokens a model has already seen, one pair a layer, so that generation computes only the new token.</summary>
public sealed class KeyValueCache : IDisposable
{
    private readonly List<(Tensor Keys, Tensor Values)> _layers = [];

    /// <summary>Creates an empty cache.</summary>
    /// <param name="leftPadding">Per row, how many of its first tokens are padding that no other token may attend to; null for none.</param>
    public KeyValueCache(IReadOnlyList<int>? leftPadding = null) => LeftPadding = leftPadding;

    /// <summary>Per row, how many of its first tokens are padding; null for none.</summary>
    public IReadOnlyList<int>? LeftPadding { get; }

    /// <summary>Tokens seen so far, padding included.</summary>
    public int TokenCount { get; private set; }

    /// <summary>Appends the new tokens' keys and values of one layer and returns all of them.</summary>
    /// <param name="layerIndex">Index of the layer; layers are extended in order.</param>
    /// <param name="keys">Shape [batch, kvHeads, newTokens, headSize].</param>
    /// <param name="values">Shape [batch, kvHeads, newTokens, headSize].</param>
    /// <returns>Keys and values of all tokens; owned by the cache, valid until the next call for this layer.</returns>
    public (Tensor Keys, Tensor Values) Extend(int layerIndex, Tensor keys, Tensor values)
    {
        if (layerIndex == _layers.Count)
        {
            _layers.Add((keys.clone().DetachFromDisposeScope(), values.clone().DetachFromDisposeScope()));
        }
        else
        {
            (Tensor oldKeys, Tensor oldValues) = _layers[layerIndex];
            _layers[layerIndex] = (
                cat([oldKeys, keys], dim: 2).DetachFromDisposeScope(),
                cat([oldValues, values], dim: 2).DetachFromDisposeScope());
            oldKeys.Dispose();
            oldValues.Dispose();
        }

        if (layerIndex == 0)
        {
            TokenCount += (int)keys.shape[2];
        }

        return _layers[layerIndex];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((Tensor keys, Tensor values) in _layers)
        {
            keys.Dispose();
            values.Dispose();
        }

        _layers.Clear();
    }
}
