using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>Refuses weights that cannot be quantized, by name and place.</summary>
internal static class WeightCheck
{
    /// <summary>Refuses what is no float32 matrix.</summary>
    internal static void Matrix(string layerName, Tensor weight)
    {
        if (weight.dim() != 2 || weight.dtype != ScalarType.Float32)
        {
            throw new InputException(
                $"{layerName}.weight: found {weight.dtype} of shape [{string.Join(", ", weight.shape)}], "
                + "expected a Float32 matrix [outFeatures, inFeatures]; keep this layer in full precision or convert it.");
        }
    }

    /// <summary>Refuses NaN and infinity.</summary>
    internal static void Finite(string layerName, Tensor weight)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor finite = weight.detach().isfinite();
        if (finite.all().item<bool>())
            return;
        Tensor places = finite.logical_not().nonzero();
        long row = places[0, 0].item<long>();
        long column = places[0, 1].item<long>();
        throw new InputException(
            $"{layerName}.weight[{row}, {column}]: found {weight.detach()[row, column].to(ScalarType.Float32).item<float>()} "
            + $"({places.shape[0]} such values of {weight.numel()}), expected a finite number; the weights are damaged, take them from their source again.");
    }
}
