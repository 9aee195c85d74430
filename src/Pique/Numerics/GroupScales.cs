using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Scales and zero points of a matrix.</summary>
/// <param name="Scales">Float16-exact scales, shape [lines, blocksPerLine], float32.</param>
/// <param name="ZeroPoints">Integer zero points as float32, same shape; null on the symmetric grid.</param>
public sealed record GroupScales(Tensor Scales, Tensor? ZeroPoints) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Scales.Dispose();
        ZeroPoints?.Dispose();
    }
}
