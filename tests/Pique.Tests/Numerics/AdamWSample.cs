using System.Runtime.InteropServices;
using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

/// <summary>Parameters of many lengths with seeded weights, gradients and earlier moments: below and above the limit of codes, of whole blocks and not.</summary>
internal sealed class AdamWSample : IDisposable
{
    public static readonly AdamWRule Rule = new(Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, UpdateCount: 3, GradientFactor: 0.37);

    private static readonly long[] Lengths = [1, 15, 16, 255, 256, 257, 4096, 4099, 20_011, 70_000];

    public AdamWSample(OptimizerStates states, ScalarType weightType, long seed = 1)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new((ulong)seed);
        Targets =
        [
            .. Lengths.Select((length, index) =>
            {
                // Magnitudes of gradients span six decades within a block, as between rows of an embedding.
                Tensor spread = pow(10, rand(length, generator: generator).mul_(-6));
                Tensor gradient = randn(length, generator: generator).mul_(spread);
                Tensor weight = randn(length, generator: generator).to(weightType);
                AdamWMoments moments = AdamWMoments.Create(weight, states);
                return new AdamWTarget(
                    weight.DetachFromDisposeScope(),
                    gradient.DetachFromDisposeScope(),
                    moments,
                    index % 2 == 0 ? 0.01 : 0.003,
                    index % 3 == 0 ? 0 : 0.1,
                    weightType == ScalarType.BFloat16 ? SplitMix64.ForStream(seed, index) : null);
            }),
        ];
    }

    public IReadOnlyList<AdamWTarget> Targets { get; }

    /// <summary>Bytes of everything that an update writes.</summary>
    public IEnumerable<byte[]> Written => Targets
        .SelectMany(target => new[] { target.Weight, target.Moments.First, target.Moments.Second, target.Moments.FirstScales, target.Moments.SecondScales })
        .OfType<Tensor>()
        .Select(tensor => tensor.bytes.ToArray());

    public static float[] Values(Tensor tensor)
    {
        using DisposeScope scope = NewDisposeScope();
        return MemoryMarshal.Cast<byte, float>(tensor.to(ScalarType.Float32).contiguous().bytes).ToArray();
    }

    public void Dispose()
    {
        foreach (AdamWTarget target in Targets)
        {
            target.Weight.Dispose();
            target.Gradient.Dispose();
            target.Moments.Dispose();
        }
    }
}
