using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>E[x·xᵀ] of the inputs of a layer, gathered batch by batch in float64.</summary>
/// <remarks>Half of GPTQ's Hessian of the layer's squared output error (arXiv:2210.17323, section 3). It takes 8·features² bytes, so only one is held at a time.</remarks>
internal sealed class InputSecondMoment : IDisposable
{
    private readonly Tensor _sum;

    /// <summary>Starts with nothing.</summary>
    /// <param name="features">Width of the inputs.</param>
    public InputSecondMoment(long features) => _sum = zeros(features, features, ScalarType.Float64).DetachFromDisposeScope();

    /// <summary>Inputs seen.</summary>
    public long TokenCount { get; private set; }

    /// <summary>Adds inputs.</summary>
    /// <param name="inputs">Shape [tokens, features], float32.</param>
    public void Add(Tensor inputs)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor readable = inputs.detach().cpu();
        _sum.add_(readable.t().matmul(readable), HeldScalar.Of(1));
        TokenCount += readable.shape[0];
    }

    /// <summary>E[x·xᵀ], shape [features, features], float64; the caller owns it.</summary>
    public Tensor Mean() => _sum.div(HeldScalar.Of((double)Math.Max(1, TokenCount)));

    /// <inheritdoc/>
    public void Dispose() => _sum.Dispose();
}
