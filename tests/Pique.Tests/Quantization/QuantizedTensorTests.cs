using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

public sealed class QuantizedTensorTests
{
    [Theory]
    [InlineData(3, true, 10 * 8 + (10 * 5 * 2))]
    [InlineData(3, false, 10 * 8 + (10 * 5 * 3))]
    [InlineData(8, true, 10 * 20 + (10 * 5 * 2))]
    public void Stored_bytes_count_codes_row_padding_scales_and_zero_points(int bits, bool symmetric, long expected)
    {
        using Tensor weight = ones(10, 20);
        WeightQuantizationSpec spec = new(bits, new QuantGranularity.PerBlock(4), new SteVariant.Standard(), null, symmetric ? GridKind.TwosComplement : GridKind.Affine);
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.AbsMax);
        QuantizedTensor packed = quantizer.Quantize(weight);
        Assert.Equal(expected, packed.StoredBytes);
        Assert.Equal(expected * 8 / 200.0, packed.BitsPerWeight, 12);
        QatConfig config = new() { Bits = bits, Granularity = spec.Granularity, Symmetric = symmetric };
        Assert.Equal(packed.BitsPerWeight, config.StoredBitsPerWeight(10, 20), 12);
    }

    [Fact]
    public void Parts_that_disagree_are_refused()
    {
        QuantGranularity rows = new QuantGranularity.PerChannel();
        Half one = (Half)1;
        CodeGrid symmetric = new(4, GridKind.TwosComplement);
        CodeGrid affine = new(4, GridKind.Affine);
        Assert.Equal("Quantized tensor: found 6 bits, expected 2, 3, 4, 5 or 8.", Refusal(() => new(1, 4, new CodeGrid(6, GridKind.TwosComplement), rows, new byte[3], [one], null)));
        Assert.Equal("Quantized tensor: found 1 bytes of codes, expected 2.", Refusal(() => new(1, 4, symmetric, rows, new byte[1], [one], null)));
        Assert.Equal("Quantized tensor: found 2 scales, expected 1.", Refusal(() => new(1, 4, symmetric, rows, new byte[2], [one, one], null)));
        Assert.Equal("Quantized tensor: found 0 zero points, expected 1.", Refusal(() => new(1, 4, affine, rows, new byte[2], [one], [])));
        Assert.Equal("Quantized tensor: scale 0 is 0, expected a finite number above zero.", Refusal(() => new(1, 4, symmetric, rows, new byte[2], [Half.Zero], null)));
        Assert.Equal("Quantized tensor: scale 0 is NaN, expected a finite number above zero.", Refusal(() => new(1, 4, symmetric, rows, new byte[2], [Half.NaN], null)));
        Assert.Equal("Quantized tensor: zero point 0 is 16, expected 0 to 15.", Refusal(() => new(1, 4, affine, rows, new byte[2], [one], [16])));
    }

    private static string Refusal(Func<QuantizedTensor> create) => Assert.Throws<InputException>(create).Message;
}
