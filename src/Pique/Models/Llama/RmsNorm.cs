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
        Tensor output = !RmsNormRows.Takes(input, _gain) ? PlainLayers.Normalize(input, _gain, _epsilon)
            : KeepsGraph(input, null) ? RmsNormFunction.Compute(input, _gain, _epsilon)
            : RmsNormRows.Normalize(input, null, _gain, _epsilon);
        return output.MoveToOuterDisposeScope();
    }

    /// <summary>Adds a layer's output to the residual stream and normalizes the sum.</summary>
    /// <param name="stream">Shape [..., width], float32.</param>
    /// <param name="addend">Same shape, freshly made: it may be overwritten. Null for none, where the gradients of stream and norm are to be added in one pass.</param>
    /// <returns>The stream from here on, and its norm; same shape each.</returns>
    internal (Tensor Stream, Tensor Normed) AddAndNormalize(Tensor stream, Tensor? addend)
    {
        if (!RmsNormRows.Takes(stream, _gain) || (addend is not null && !RmsNormRows.Takes(addend, _gain)))
        {
            // In place: nothing reads the added-to value in the backward pass.
            Tensor sum = addend?.add_(stream, HeldScalar.Of(1)) ?? stream;
            return (sum, forward(sum));
        }

        return KeepsGraph(stream, addend)
            ? StreamNormFunction.Compute(stream, addend, _gain, _epsilon)
            : (addend ?? stream, RmsNormRows.Normalize(addend ?? stream, addend is null ? null : stream, _gain, _epsilon));
    }

    private bool KeepsGraph(Tensor input, Tensor? addend) => is_grad_enabled() && (input.requires_grad || _gain.requires_grad || addend is { requires_grad: true });
}
