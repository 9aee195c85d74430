using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Clips gradients by their global norm (Pascanu et al. 2013, arXiv:1211.5063).</summary>
public static class GradientClipping
{
    /// <summary>Computes the Euclidean norm over all gradients and, where it exceeds the limit, scales them down to it in place.</summary>
    /// <param name="parameters">Parameters; those without a gradient count as zero.</param>
    /// <param name="largestNorm">The limit, greater than zero; null only measures.</param>
    /// <returns>The norm before clipping; not finite where a gradient is not finite or a float32 sum of squares overflows, and then no gradient is changed.</returns>
    public static double Clip(IEnumerable<Tensor> parameters, double? largestNorm)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> gradients = [.. parameters.Select(parameter => parameter.grad).OfType<Tensor>()];
        double squares = 0;
        foreach (Tensor gradient in gradients)
        {
            double norm = gradient.norm().ToDouble();
            squares += norm * norm;
        }

        double globalNorm = Math.Sqrt(squares);
        if (largestNorm is { } limit && double.IsFinite(globalNorm) && globalNorm > limit)
        {
            foreach (Tensor gradient in gradients)
            {
                gradient.mul_(HeldScalar.Of(limit / globalNorm));
            }
        }

        return globalNorm;
    }
}
