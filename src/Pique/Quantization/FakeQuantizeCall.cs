using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>What one call of <see cref="FakeQuantizeFunction"/> needs besides the tensors that take a gradient.</summary>
/// <param name="Spec">How the weight is quantized.</param>
/// <param name="Layout">Which weights share a scale.</param>
/// <param name="Strength">ρ of the warm-up, 0 to 1.</param>
/// <param name="OutputType">Float32 or BFloat16.</param>
internal sealed record FakeQuantizeCall(WeightQuantizationSpec Spec, GroupLayout Layout, float Strength, ScalarType OutputType)
{
    /// <summary>Scales and zero points, shape [lines, blocksPerLine]; null where they follow the weights' range.</summary>
    public GroupScales? Scales { get; init; }

    /// <summary>Clip ratios where scales follow the weights' range, shape [lines, blocksPerLine].</summary>
    public Tensor? ClipRatios { get; init; }

    /// <summary>Step per unit of the trained parameter, π/k on the pi grid: a scalar or shape [lines, 1]; null for 1.</summary>
    public Tensor? StepFactor { get; init; }

    /// <summary>The same for some rows of the weight alone, without oscillation dampening.</summary>
    /// <param name="rows">Numbers of the rows, shape [n], int64; no two share a scale.</param>
    public FakeQuantizeCall OfRows(Tensor rows) => this with
    {
        Spec = Spec with { OscillationDampening = 0 },
        Layout = Layout.WithRows(rows.shape[0]),
        Scales = Scales is { } scales ? new(scales.Scales.index_select(0, rows), scales.ZeroPoints?.index_select(0, rows)) : null,
        ClipRatios = ClipRatios?.index_select(0, rows),
        StepFactor = StepFactor is { } factor && factor.dim() > 0 ? factor.index_select(0, rows) : StepFactor,
    };
}
