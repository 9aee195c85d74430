using CsCheck;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

/// <summary>Shapes for the kernels of a block's layers, and what their tests share.</summary>
internal static class LayerCase
{
    /// <summary>Rows and width: one row, many, enough for several threads; widths that are multiples of sixteen and others, with more than one piece of a sum.</summary>
    public static Gen<(int Rows, int Width, int Seed)> Rows { get; } =
        from rows in Gen.Frequency((4, Gen.Int[1, 9]), (2, Gen.Int[30, 300]), (1, Gen.Int[3000, 5000]))
        from width in Gen.Frequency((4, Gen.Int[1, 100]), (1, Gen.Int[500, 1600]))
        from seed in Gen.Int[0, 1 << 20]
        select (rows, rows >= 3000 ? Math.Min(width, 100) : width, seed);

    /// <summary>Batch, tokens, heads and size of a head.</summary>
    public static Gen<(int Batch, int Tokens, int Heads, int HeadSize, int Seed)> Heads { get; } =
        from batch in Gen.Int[1, 3]
        from tokens in Gen.Frequency((4, Gen.Int[1, 9]), (1, Gen.Int[100, 200]))
        from heads in Gen.Int[1, 5]
        from half in Gen.Int[1, 70]
        from seed in Gen.Int[0, 1 << 20]
        select (batch, tokens, heads, 2 * half, seed);

    /// <summary>Draws from N(0, 1).</summary>
    public static Tensor Normal(int seed, params long[] shape)
    {
        using Generator generator = new((ulong)seed, CPU);
        return randn(shape, generator: generator);
    }

    public static Tensor Exact(Tensor values) => values.detach().to(ScalarType.Float64);

    /// <summary>The largest difference, as a share of the largest value or of 1.</summary>
    public static void AssertClose(Tensor exact, Tensor found, double tolerance)
    {
        Assert.Equal(exact.shape, found.shape);
        double difference = found.to(ScalarType.Float64).sub(exact).abs().max().ToDouble(), largest = Math.Max(1, exact.abs().max().ToDouble());
        Assert.True(difference <= tolerance * largest, $"difference {difference:R}, largest value {largest:R}");
    }

    public static void AssertSameBits(Tensor expected, Tensor found) => Assert.True(expected.contiguous().bytes.SequenceEqual(found.contiguous().bytes));

    /// <summary>Holds every form of a kernel, on one thread and on two, against its reference.</summary>
    public static void AssertFormsAgree(Func<KernelForm, Tensor[]> run)
    {
        int threads = KernelThreads.Count;
        Tensor[] expected = run(KernelForm.Scalar);
        try
        {
            foreach (int count in (int[])[1, 2])
            {
                KernelThreads.Limit(count);
                foreach (KernelForm form in Enum.GetValues<KernelForm>())
                    Assert.All(expected.Zip(run(form)), pair => AssertSameBits(pair.First, pair.Second));
            }
        }
        finally
        {
            KernelThreads.Limit(threads);
        }
    }
}
