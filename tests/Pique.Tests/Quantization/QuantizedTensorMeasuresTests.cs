using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

public sealed class QuantizedTensorMeasuresTests
{
    /// <summary>Codes 3, 0 | 1, 2 of two bits at steps 0.5 and 2: the weights read back as 0.5, −1 | −2, 0.</summary>
    private static readonly QuantizedTensor Packed = new(
        2, 2, new CodeGrid(2, GridKind.TwosComplement), new QuantGranularity.PerChannel(), [0b0011, 0b1001], [(Half)0.5f, (Half)2f]);

    [Fact]
    public void Measures_are_those_of_the_weights_that_read_back()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor original = tensor(new[] { 0.5f, -1f, -4f, 1f }, [2, 2]);
        Tensor back = tensor(new[] { 0.5f, -1f, -2f, 0f }, [2, 2]);

        QuantizationError error = Packed.MeasureError(original);
        Assert.Equal(5.0 / 4, error.MeanSquaredError, 12);
        Assert.Equal(10 * Math.Log10(18.25 / 5), error.SqnrDecibels, 12);
        Assert.Equal(9.25 / Math.Sqrt(18.25 * 5.25), error.CosineSimilarity, 12);
        Assert.Equal(SpectralDistortion.Measure(original, back), Packed.MeasureSpectralDistortion(original));
        Assert.Equal(1, Packed.MeasureOutlierRetention(original));
        Assert.Equal(0, Packed.MeasureOutlierRetention(original.mul(2f)));
    }

    [Fact]
    public void Two_level_scales_are_multiplied_out()
    {
        using DisposeScope scope = NewDisposeScope();
        byte[] codes = Enumerable.Repeat((byte)0b11_11_11_11, 8).ToArray();
        QuantizedTensor packed = new(1, 32, new CodeGrid(2, GridKind.TwosComplement), new QuantGranularity.PerBlock(16), codes, [(Half)0.5f], subScales: [1, 4]);
        Tensor original = ones(1, 32);
        original[0, 20] = 3.5f;
        Assert.Equal(1, packed.MeasureOutlierRetention(original));
        original[0, 2] = 3.5f;
        Assert.Equal(0.5, packed.MeasureOutlierRetention(original));
    }

    [Fact]
    public void Another_shape_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor other = zeros(1, 4);
        const string Message = "Found shape [2, 2], expected [1, 4]. (Parameter 'quantized')";
        Assert.Equal(Message, Assert.Throws<ArgumentException>(() => Packed.MeasureError(other)).Message);
        Assert.Equal(Message, Assert.Throws<ArgumentException>(() => Packed.MeasureSpectralDistortion(other)).Message);
        Assert.Equal(Message, Assert.Throws<ArgumentException>(() => Packed.MeasureOutlierRetention(other)).Message);
    }
}
