using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Clips gradients by their global norm (Pascanu et al. 2013, arXiv:1211.5063).</summary>
/// <remarks>Gradients are not rewritten: <see cref="AdamW.Step"/> multiplies them by the factor as it reads them.</remarks>
public static class GradientClipping
{
    /// <summary>The Euclidean norm over all gradients.</summary>
    /// <param name="parameters">Parameters; those without a gradient count as zero.</param>
    /// <returns>The norm; not finite where a gradient is not finite or a float32 sum of squares overflows.</returns>
    public static double Norm(IEnumerable<Tensor> parameters)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        return GradientNorm.Of([.. parameters.Select(parameter => parameter.grad).OfType<Tensor>()]);
    }

    /// <summary>What gradients are to be multiplied by so that their norm is at most the limit.</summary>
    /// <param name="norm">Their norm.</param>
    /// <param name="largestNorm">The limit, greater than zero; null for none.</param>
    /// <returns>1 where the norm is within the limit, and where it is not finite.</returns>
    public static double Factor(double norm, double? largestNorm) =>
        largestNorm is { } limit && double.IsFinite(norm) && norm > limit ? limit / norm : 1;
}
