using Pique.Numerics;
using Pique.Tests.Quantization;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class HalfScaleTests
{
    [Fact]
    public void Tensor_and_scalar_rounding_agree_around_every_float16_value()
    {
        List<float> scales = [0f, -1f, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, 65519f, 65520f, float.MaxValue];
        for (Half half = Half.Epsilon; Half.IsFinite(half); half = Half.BitIncrement(half))
        {
            float middle = ((float)half + (float)Half.BitIncrement(half)) / 2;
            scales.AddRange([(float)half, middle, MathF.BitDecrement(middle), MathF.BitIncrement(middle)]);
        }

        using Tensor rounded = HalfScale.Round(tensor(scales.ToArray()));
        Assert.Equal(QuantizationCases.Bits([.. scales.Select(HalfScale.Round)]), QuantizationCases.Bits(rounded));
        Assert.All(rounded.data<float>().ToArray(), scale => Assert.InRange(scale, HalfScale.Floor, HalfScale.Ceiling));
    }
}
