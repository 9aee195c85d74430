using CsCheck;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels;

public sealed class QuantizePackKernelTests
{
    [Fact]
    public void Every_form_gives_the_codes_of_the_scalar_quantizer() => PackedSample.Any.Sample(
        sample =>
        {
            byte[] expected = sample.Pack();
            foreach (KernelForm form in Enum.GetValues<KernelForm>())
            {
                byte[] packed = new byte[expected.Length];
                Array.Fill(packed, (byte)0xA5);
                QuantizePackKernel.Run(sample.Weights, sample.Scales, sample.ZeroPoints, sample.Grid, sample.Layout, packed, form);
                if (!expected.SequenceEqual(packed))
                    return false;
            }

            return true;
        },
        iter: 2000);

    [Fact]
    public void Every_float_near_every_midpoint_of_eight_bits_gets_its_code()
    {
        CodeGrid grid = new(8, GridKind.HalfInteger);
        foreach (float scale in (float[])[HalfScale.Floor, 0.1f, 3f, 65504f, 1e-45f, 3e38f, float.MaxValue])
        {
            float[] weights = [.. Enumerable.Range(-300, 600).SelectMany(half => Around(half / 2f * scale))];
            PackedSample sample = new(grid, GroupLayout.For(new QuantGranularity.PerTensor(), 1, weights.Length), [scale], [], weights);
            byte[] packed = new byte[weights.Length];
            foreach (KernelForm form in Enum.GetValues<KernelForm>())
            {
                QuantizePackKernel.Run(weights, sample.Scales, [], grid, sample.Layout, packed, form);
                Assert.Equal(sample.Pack(), packed);
            }
        }

        static IEnumerable<float> Around(float middle)
        {
            if (!float.IsFinite(middle))
                yield break;
            float below = middle, above = middle;
            yield return middle;
            for (int step = 0; step < 40; step++)
            {
                yield return below = MathF.BitDecrement(below);
                yield return above = MathF.BitIncrement(above);
            }
        }
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused()
    {
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerChannel(), 2, 3);
        CodeGrid grid = new(3, GridKind.TwosComplement);
        Assert.Equal("Found 5 weights, expected 6.", Message(new float[5], new float[2], [], new byte[4]));
        Assert.Equal("Found 1 scales, expected 2.", Message(new float[6], new float[1], [], new byte[4]));
        Assert.Equal("Found 2 zero points, expected 0.", Message(new float[6], new float[2], new float[2], new byte[4]));
        Assert.Equal("Found 3 bytes of codes, expected 4.", Message(new float[6], new float[2], [], new byte[3]));

        string Message(float[] weights, float[] scales, float[] zeroPoints, byte[] packed) =>
            Assert.Throws<ArgumentException>(() => QuantizePackKernel.Run(weights, scales, zeroPoints, grid, layout, packed)).Message;
    }
}
