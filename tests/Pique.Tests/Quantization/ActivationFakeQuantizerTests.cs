using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

public sealed class ActivationFakeQuantizerTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Every_token_lies_on_its_own_levels_with_zero_among_them(int bits)
    {
        using DisposeScope scope = NewDisposeScope();
        float[] values = QuantizationCases.Weights(6, 16, seed: 21);
        Tensor input = QuantizationCases.Matrix(values, 6, 16).view(2, 3, 16);
        using ActivationFakeQuantizer quantizer = new(bits);
        float[] found = quantizer.forward(input).data<float>().ToArray();
        for (int token = 0; token < 6; token++)
        {
            float[] row = values[(token * 16)..((token + 1) * 16)];
            double lowest = Math.Min(0, row.Min());
            double scale = Math.Max((Math.Max(0, row.Max()) - lowest) / ((1 << bits) - 1), 1e-30);
            for (int i = 0; i < 16; i++)
            {
                double level = found[(token * 16) + i] / scale;
                Assert.Equal(Math.Round(level), level, 3);
                // The zero point is rounded, so an end of the range may lie half a step beyond the last level.
                Assert.True(Math.Abs(row[i] - found[(token * 16) + i]) <= 1.0001 * scale, $"token {token} [{i}]: {row[i]} became {found[(token * 16) + i]}");
            }
        }
    }

    [Fact]
    public void The_gradient_passes_unchanged()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = QuantizationCases.Matrix(QuantizationCases.Weights(4, 8, seed: 2), 4, 8).requires_grad_();
        Tensor upstream = QuantizationCases.Matrix(QuantizationCases.Weights(4, 8, seed: 3), 4, 8);
        using ActivationFakeQuantizer quantizer = new(8);
        quantizer.forward(input).backward([upstream]);
        Assert.Equal(upstream.data<float>().ToArray(), input.grad!.data<float>().ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    public void Bits_out_of_range_are_refused(int bits) => Assert.Equal(
        $"activation_bits: found {bits}, expected 2 to 16.",
        Assert.Throws<InputException>(() => new ActivationFakeQuantizer(bits)).Message);
}
