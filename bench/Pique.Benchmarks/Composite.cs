using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Benchmarks;

/// <summary>The peers: fake quantization as one writes it with plain TorchSharp operations and the detach trick.</summary>
internal static class Composite
{
    /// <summary>LSQ forward and backward; scales broadcast over the last dimension of a view of the weight.</summary>
    public static void LearnedStepSize(Parameter weight, Parameter scale, Tensor upstream, long[] view, int bits)
    {
        using DisposeScope scope = NewDisposeScope();
        int highest = (1 << (bits - 1)) - 1;
        using Scalar factor = (1 / Math.Sqrt(view[^1] * (double)highest)).ToScalar(), low = (-highest - 1).ToScalar(), high = highest.ToScalar();
        Tensor scaled = scale.mul(factor);
        Tensor step = scaled + (scale - scaled).detach();
        Tensor quotient = weight.view(view).div(step);
        Tensor clamped = quotient.clamp(low, high);
        Tensor rounded = (clamped.round() - clamped).detach() + clamped;
        rounded.mul(step).backward([upstream.view(view)]);
        weight.grad = null;
        scale.grad = null;
    }

    /// <summary>Standard estimator with the scale from the row's largest magnitude.</summary>
    public static void Standard(Parameter weight, Tensor upstream, int bits)
    {
        using DisposeScope scope = NewDisposeScope();
        int highest = (1 << (bits - 1)) - 1;
        using Scalar levels = highest.ToScalar(), low = (-highest - 1).ToScalar();
        Tensor rounded;
        using (no_grad())
        {
            Tensor step = weight.abs().amax([1], keepdim: true).div(levels);
            rounded = weight.div(step).round().clamp(low, levels).mul(step) - weight;
        }

        (weight + rounded.detach()).backward([upstream]);
        weight.grad = null;
    }
}
