using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>What one call of <see cref="FixedCodesFunction"/> needs besides the trained scale.</summary>
/// <param name="Grid">The codes.</param>
/// <param name="Layout">Which weights share a scale.</param>
/// <param name="OutputType">Float32 or BFloat16.</param>
/// <param name="HasStepFactor">Whether there is a <see cref="StepFactor"/>.</param>
internal sealed record FixedCodesCall(CodeGrid Grid, GroupLayout Layout, ScalarType OutputType, bool HasStepFactor)
{
    /// <summary>The latent weight the codes were found from, contiguous, shape [outFeatures, inFeatures].</summary>
    public required Tensor Weight { get; init; }

    /// <summary>The scales they were found at, shape [lines, blocksPerLine].</summary>
    public required Tensor CodeScales { get; init; }

    /// <summary>The zero points they were found at, same shape; null on the symmetric grids.</summary>
    public Tensor? ZeroPoints { get; init; }

    /// <summary>The scales they are multiplied by now, same shape, as a file holds them.</summary>
    public required Tensor Scales { get; init; }

    /// <summary>Step per unit of the trained parameter, π/k on the pi grid: a scalar or shape [lines, 1]; null for 1.</summary>
    public Tensor? StepFactor { get; init; }

    /// <summary>The levels: code minus zero point, or half-integers.</summary>
    /// <returns>Fresh tensor of the weight's shape, float32.</returns>
    public Tensor Levels()
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor levels = GridArithmetic.FakeQuantize(Weight, Layout, CodeScales, ZeroPoints, Grid);
        foreach (GroupLayout.Segment segment in Layout.Segments())
            Layout.WeightView(levels, segment).div_(GroupLayout.GroupView(CodeScales, segment));
        return levels.MoveToOuterDisposeScope();
    }
}
