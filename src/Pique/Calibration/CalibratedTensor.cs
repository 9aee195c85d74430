using Pique.Numerics;

namespace Pique.Calibration;

/// <summary>Scales that calibration found for one weight matrix.</summary>
/// <param name="Bits">Bits a code.</param>
/// <param name="Rows">Output features.</param>
/// <param name="Columns">Input features.</param>
/// <param name="ScaleShape">Shape of scales and zero points, [lines, blocksPerLine].</param>
/// <param name="Scales">Scales that a file holds exactly, line by line: float16, or the product of two levels; on the pi grid the folded step α·π/k.</param>
/// <param name="ZeroPoints">Integer zero points, line by line; null on the symmetric grids.</param>
/// <param name="SqnrDecibels">Signal over quantization noise of the weight at these scales; null where nothing is lost.</param>
public sealed record CalibratedTensor(
    int Bits,
    long Rows,
    long Columns,
    IReadOnlyList<long> ScaleShape,
    IReadOnlyList<float> Scales,
    IReadOnlyList<byte>? ZeroPoints,
    double? SqnrDecibels)
{
    /// <summary>Where the levels lie.</summary>
    public GridKind Kind { get; init; } = ZeroPoints is null ? GridKind.TwosComplement : GridKind.Affine;

    /// <summary>Signal over noise of the layer's output on the calibration inputs; null where it was not measured or nothing is lost.</summary>
    public double? OutputSqnrDecibels { get; init; }

    /// <summary>Whether scales have two levels, see <see cref="TwoLevelScale"/>.</summary>
    public bool TwoLevelScales { get; init; }
}
