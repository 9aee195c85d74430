using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>The two types a latent weight is held in: float32, in which everything is computed, and bfloat16, half of its memory.</summary>
internal static class LatentType
{
    /// <summary>A parameter of another type with the same values, rounded to nearest.</summary>
    /// <param name="weight">The parameter.</param>
    /// <param name="type">The type.</param>
    public static Parameter Converted(Parameter weight, ScalarType type)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return (Parameter)new Parameter(weight.detach().to(type), weight.requires_grad).DetachFromDisposeScope();
    }

    /// <summary>The weight in float32, contiguous: itself where it is such, else a fresh tensor without a gradient.</summary>
    /// <param name="weight">A latent weight.</param>
    public static Tensor Widened(Tensor weight) =>
        weight.dtype != ScalarType.Float32 ? weight.detach().to(ScalarType.Float32).contiguous() : weight.is_contiguous() ? weight : weight.contiguous();
}
