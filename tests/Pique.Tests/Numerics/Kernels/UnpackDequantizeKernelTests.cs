using CsCheck;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels;

public sealed class UnpackDequantizeKernelTests
{
    [Fact]
    public void Every_form_reads_any_weights_as_the_scalar_quantizer_does() => Gen.Select(PackedSample.Any, Gen.Double[0, 1], Gen.Double[0, 1]).Sample(
        (sample, from, to) =>
        {
            byte[] packed = sample.Pack();
            int first = (int)(from * sample.Weights.Length * 0.5);
            int count = (int)Math.Ceiling(to * (sample.Weights.Length - first));
            int[] expected = [.. Enumerable.Range(first, count).Select(weight =>
            {
                long group = sample.Layout.GroupOf(weight);
                return Bits(ScalarQuantizer.Dequantize(sample.Code(weight), sample.Scales[group], sample.ZeroPointOf(group), sample.Grid.Offset));
            })];
            return Enum.GetValues<KernelForm>().All(form =>
            {
                float[] output = new float[count];
                UnpackDequantizeKernel.Run(packed, sample.Scales, sample.ZeroPoints, sample.Grid, sample.Layout, first, output, form);
                return Array.ConvertAll(output, Bits).SequenceEqual(expected);
            });
        },
        iter: 2000);

    [Fact]
    public void What_was_packed_on_the_grid_reads_back_as_it_was() => PackedSample.Any.Sample(sample =>
    {
        float[] rounded = Read(sample, sample.Pack());
        byte[] packed = new byte[sample.PackedBytes];
        QuantizePackKernel.Run(rounded, sample.Scales, sample.ZeroPoints, sample.Grid, sample.Layout, packed);
        return rounded.SequenceEqual(Read(sample, packed));
    });

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public unsafe void Stores_past_the_caches_write_the_same(int bits)
    {
        CodeGrid grid = new(bits, GridKind.TwosComplement);
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerBlock(32), 520, 4112);
        byte[] packed = new byte[layout.Rows * BitPacking.RowBytes(layout.Columns, bits)];
        new Random(1).NextBytes(packed);
        float[] scales = [.. Enumerable.Range(1, (int)layout.GroupCount).Select(group => (float)(Half)(group % 1000 / 7f))];
        float[] expected = new float[layout.WeightCount];
        UnpackDequantizeKernel.Run(packed, scales, [], grid, layout, 0, expected, KernelForm.Scalar);
        Assert.True(layout.WeightCount * sizeof(float) > PastTheCaches.LeastBytes);
        foreach (KernelForm form in PackedSample.Lanes)
        {
            using AlignedFloats output = new((int)layout.WeightCount);
            UnpackDequantizeKernel.Run(packed, scales, [], grid, layout, 0, output.Values, form);
            Assert.True(output.Values.SequenceEqual(expected));
        }
    }

    [Fact]
    public void Weights_outside_the_matrix_are_refused()
    {
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerChannel(), 2, 3);
        Assert.Equal("Found 4 weights from 3, expected them within 6.", Assert.Throws<ArgumentException>(() =>
            UnpackDequantizeKernel.Run(new byte[4], new float[2], [], new CodeGrid(3, GridKind.TwosComplement), layout, 3, new float[4])).Message);
    }

    private static int Bits(float value) => BitConverter.SingleToInt32Bits(value);

    private static float[] Read(PackedSample sample, byte[] packed)
    {
        float[] output = new float[sample.Weights.Length];
        UnpackDequantizeKernel.Run(packed, sample.Scales, sample.ZeroPoints, sample.Grid, sample.Layout, 0, output);
        return output;
    }
}
