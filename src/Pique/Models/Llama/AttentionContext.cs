using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>What every attention layer of one forward pass shares.</summary>
/// <param name="Rotary">Tables of the pass's positions.</param>
/// <param name="Mask">True where a query may see a key, shape [batch or 1, 1, tokens, keys]; null where the causal rule alone holds or nothing is hidden.</param>
/// <param name="IsCausal">Whether query i sees keys 0…i; false where <paramref name="Mask"/> says it all.</param>
/// <param name="Cache">Keys and values of earlier tokens; null for none.</param>
internal sealed record AttentionContext((Tensor Cos, Tensor SignedSin) Rotary, Tensor? Mask, bool IsCausal, KeyValueCache? Cache)
{
    /// <summary>Prepares a pass.</summary>
    /// <param name="rotary">Tables of the model.</param>
    /// <param name="tokenCount">New tokens a row.</param>
    /// <param name="cache">Keys and values of earlier tokens; null for none.</param>
    /// <param name="device">Device of the pass.</param>
    public static AttentionContext Create(RotaryEmbedding rotary, int tokenCount, KeyValueCache? cache, Device device)
    {
        int seen = cache?.TokenCount ?? 0;
        (Tensor, Tensor) tables = rotary.Tables(seen, tokenCount, device);
        if (cache?.LeftPadding is { } padding && padding.Any(count => count > 0))
            return new(tables, VisibleKeys(seen, tokenCount, padding, device), IsCausal: false, cache);
        if (seen == 0)
            return new(tables, null, IsCausal: true, cache);
        return tokenCount == 1
            ? new(tables, null, IsCausal: false, cache)
            : new(tables, VisibleKeys(seen, tokenCount, [0], device), IsCausal: false, cache);
    }

    /// <summary>Keys at or before the query and after the padding; a padding query sees itself, since a softmax over nothing is no number.</summary>
    private static Tensor VisibleKeys(int seen, int tokenCount, IReadOnlyList<int> padding, Device device)
    {
        Tensor queries = arange(HeldScalar.Of(seen), HeldScalar.Of(seen + tokenCount), device: device).view(1, 1, -1, 1);
        Tensor keys = arange(HeldScalar.Of(seen + tokenCount), device: device).view(1, 1, 1, -1);
        Tensor firstKeys = tensor(padding.Select(count => (long)count).ToArray(), device: device).view(-1, 1, 1, 1);
        return keys.le(queries).logical_and(keys.ge(firstKeys)).logical_or(keys.eq(queries));
    }
}
