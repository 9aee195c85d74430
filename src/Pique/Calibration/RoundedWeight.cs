using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>A weight as second-order rounding left it.</summary>
/// <param name="Latent">The weights as they stood when each was rounded, shape [rows, columns], float32: the nearest levels are the rounded weight.</param>
/// <param name="Scales">Scales that a file holds, and zero points.</param>
/// <param name="OutputSqnrDecibels">Signal over noise of the layer's output on the calibration inputs; infinite where nothing is lost.</param>
internal sealed record RoundedWeight(Tensor Latent, GroupScales Scales, double OutputSqnrDecibels) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Latent.Dispose();
        Scales.Dispose();
    }
}
