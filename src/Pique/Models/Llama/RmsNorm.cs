using Pique.Numerics;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>Root-mean-square normalization: x / √(mean(x²) + ε) · gain.</summary>
/// <remarks>Zhang and Sennrich 2019, arXiv:1910.07467, equation 4.</remarks>
public sealed class RmsNorm : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _gain;

    private readonly float _epsilon;

    internal RmsNorm(long width, float epsilon) : base(nameof(RmsNorm))
    {
        _gain = new Parameter(ones(width));
        _epsilon = epsilon;
        RegisterComponents();
    }

    /// <summary>Gain, shape [width].</summary>
    public Parameter Gain => _gain;

    /// <summary>Normalizes the last dimension.</summary>
    /// <param name="input">Shape [..., width], float32.</param>
    /// <returns>Same shape.</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        // A norm reads the stream once; square().mean() would write the squares out in between.
        Tensor norm = linalg.vector_norm(input, dims: [-1], keepdim: true);
        Tensor inverseRms = norm.Squared().mul(HeldScalar.Of(1.0 / input.shape[^1])).add(HeldScalar.Of(_epsilon), HeldScalar.Of(1)).rsqrt();
        return input.mul(inverseRms).mul(_gain).MoveToOuterDisposeScope();
    }
}
