using Pique.Models;
using Pique.Tests.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models;

public class KeyValueCacheTests
{
    [Fact]
    public void Kept_rows_keep_their_tokens_and_padding_in_the_new_order()
    {
        using DisposeScope scope = NewDisposeScope();
        using KeyValueCache cache = new([4, 0, 2]);
        Tensor keys = arange(3 * 2 * 5 * 4).to(ScalarType.Float32).view(3, 2, 5, 4);
        cache.Extend(0, keys, keys.neg());
        cache.Advance(5);

        cache.KeepRows([2, 0]);
        Tensor added = ones(2, 2, 1, 4);
        (Tensor allKeys, Tensor allValues) = cache.Extend(0, added, added);

        Tensor kept = stack([keys[2], keys[0]]);
        Assert.Equal([2, 4], cache.LeftPadding);
        Assert.Equal(0, TinyLlama.LargestDifference(allKeys, cat([kept, added], 2)));
        Assert.Equal(0, TinyLlama.LargestDifference(allValues, cat([kept.neg(), added], 2)));
    }

    [Fact]
    public void Buffers_double_and_the_cache_owns_only_them()
    {
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using KeyValueCache cache = new();
        using (NewDisposeScope())
        {
            for (int token = 0; token < 33; token++)
            {
                Tensor step = full([1, 1, 1, 2], token);
                cache.Extend(0, step, step);
                cache.Advance(1);
            }
        }

        Assert.Equal(64, cache.CapacityTokens);
        Assert.Equal(before + 2, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Gradients_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using KeyValueCache cache = new();
        Tensor keys = ones(1, 1, 1, 2).requires_grad_();

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => cache.Extend(0, keys, keys));

        Assert.Equal("KeyValueCache: keys or values carry gradients, which a cache does not pass on; run the model under no_grad, or without a cache.", error.Message);
    }
}
