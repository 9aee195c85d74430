using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels;

public sealed unsafe class SigmoidTests
{
    // Every 997th float up to the magnitude where the exponential ends; 997 is prime, so mantissas of all kinds come by.
    private const int Stride = 997;

    private static readonly int MostBits = BitConverter.SingleToInt32Bits(-Exponential.Least);

    [Fact]
    public void Value_and_complement_are_within_three_units_in_the_last_place()
    {
        double worst = 0;
        for (int bits = 0; bits <= MostBits; bits += Stride)
        {
            foreach (float argument in (float[])[BitConverter.Int32BitsToSingle(bits), BitConverter.Int32BitsToSingle(bits | int.MinValue)])
            {
                (float value, float complement) = Sigmoid.Of(argument);
                worst = Math.Max(worst, Math.Max(Units(value, 1 / (1 + Math.Exp(-(double)argument))), Units(complement, 1 / (1 + Math.Exp(argument)))));
            }
        }

        Assert.InRange(worst, 0.5, 3);
    }

    [Fact]
    public void The_form_of_sixteen_lanes_gives_the_bits_of_the_reference()
    {
        AssertSame<Lanes128>();
        AssertSame<Lanes256>();
        AssertSame<Lanes512>();
    }

    [Theory]
    [InlineData(0f, 0.5f, 0.5f)]
    [InlineData(float.PositiveInfinity, 1f, 1.6458115e-38f)]
    [InlineData(float.NegativeInfinity, 1.6458115e-38f, 1f)]
    [InlineData(1000f, 1f, 1.6458115e-38f)]
    [InlineData(float.NaN, float.NaN, float.NaN)]
    public void Ends_and_what_is_no_number_give_what_they_should(float argument, float value, float complement)
    {
        Assert.Equal((value, complement), Sigmoid.Of(argument));
        Assert.All(OfLanes<Lanes256>([.. Enumerable.Repeat(argument, LaneLoop.Lanes)]), pair => Assert.Equal((value, complement), pair));
    }

    private static double Units(float found, double exact) => Math.Abs(found - exact) / (MathF.BitIncrement((float)exact) - (float)exact);

    private static void AssertSame<TLanes>() where TLanes : unmanaged, ILanes<TLanes>
    {
        float[] arguments = new float[LaneLoop.Lanes];
        for (long bits = 0; bits <= MostBits; bits += LaneLoop.Lanes * 997L)
        {
            for (int lane = 0; lane < LaneLoop.Lanes; lane++)
                arguments[lane] = BitConverter.Int32BitsToSingle((int)(bits + (lane * 997)) | (lane % 2 == 0 ? 0 : int.MinValue));
            Assert.Equal(arguments.Select(Sigmoid.Of), OfLanes<TLanes>(arguments));
        }
    }

    private static (float, float)[] OfLanes<TLanes>(float[] arguments) where TLanes : unmanaged, ILanes<TLanes>
    {
        float[] values = new float[LaneLoop.Lanes], complements = new float[LaneLoop.Lanes];
        fixed (float* source = arguments, first = values, second = complements)
        {
            Sigmoid.Of(TLanes.Load(source), out TLanes value, out TLanes complement);
            value.Store(first);
            complement.Store(second);
        }

        return [.. values.Zip(complements)];
    }
}
