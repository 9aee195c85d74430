using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>What one call of <see cref="FakeQuantizeFunction"/> needs besides the tensors that take a gradient.</summary>
/// <param name="Spec">How the weight is quantized.</param>
/// <param name="Layout">Which weights share a scale.</param>
/// <param name="Scales">Float16-exact scales, shape [lines, blocksPerLine].</param>
/// <param name="ZeroPoints">Zero points, same shape; null on the symmetric grid.</param>
/// <param name="Strength">ρ of the warm-up, 0 to 1.</param>
internal sealed record FakeQuantizeCall(
    WeightQuantizationSpec Spec,
    GroupLayout Layout,
    Tensor Scales,
    Tensor? ZeroPoints,
    float Strength);
