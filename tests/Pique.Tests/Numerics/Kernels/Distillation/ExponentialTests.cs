using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels;

public sealed unsafe class ExponentialTests
{
    // Every 997th float from −0 down to the least argument; 997 is prime, so mantissas of all kinds come by.
    private const int Stride = 997;

    private static readonly int LeastBits = BitConverter.SingleToInt32Bits(Exponential.Least) & int.MaxValue;

    [Fact]
    public void The_error_is_hardly_more_than_a_unit_in_the_last_place()
    {
        double worst = 0;
        for (int bits = 0; bits <= LeastBits; bits += Stride)
        {
            float argument = BitConverter.Int32BitsToSingle(bits | int.MinValue);
            double exact = Math.Exp(argument);
            float found = Exponential.Of(argument);
            double unit = MathF.BitIncrement((float)exact) - (float)exact;
            worst = Math.Max(worst, Math.Abs(found - exact) / unit);
        }

        // With a stride of 1, over every argument there is, the worst is 1.0115.
        Assert.InRange(worst, 0.5, 1.02);
    }

    [Fact]
    public void The_form_of_sixteen_lanes_gives_the_bits_of_the_reference()
    {
        AssertSame<Lanes128>();
        AssertSame<Lanes256>();
        AssertSame<Lanes512>();
    }

    [Fact]
    public void Zero_of_either_sign_and_what_is_no_number_give_what_they_should()
    {
        foreach ((float argument, float expected) in ((float, float)[])[(0f, 1f), (-0f, 1f), (float.NaN, float.NaN)])
        {
            Assert.Equal(expected, Exponential.Of(argument));
            Assert.All(OfLanes<Lanes256>([.. Enumerable.Repeat(argument, LaneLoop.Lanes)]), value => Assert.Equal(expected, value));
        }
    }

    [Theory]
    [InlineData(-88f)]
    [InlineData(-1e30f)]
    [InlineData(float.NegativeInfinity)]
    public void Below_the_least_argument_the_result_is_that_of_the_least(float argument)
    {
        Assert.Equal(1.6458115e-38f, Exponential.Of(argument));
        Assert.All(OfLanes<Lanes256>([.. Enumerable.Repeat(argument, LaneLoop.Lanes)]), value => Assert.Equal(1.6458115e-38f, value));
    }

    private static void AssertSame<TLanes>() where TLanes : unmanaged, ILanes<TLanes>
    {
        float[] arguments = new float[LaneLoop.Lanes];
        for (long bits = 0; bits <= LeastBits + (LaneLoop.Lanes * 997L); bits += LaneLoop.Lanes * 997L)
        {
            for (int lane = 0; lane < LaneLoop.Lanes; lane++)
                arguments[lane] = BitConverter.Int32BitsToSingle((int)(bits + (lane * 997)) | int.MinValue);
            Assert.Equal(arguments.Select(Exponential.Of), OfLanes<TLanes>(arguments));
        }
    }

    private static float[] OfLanes<TLanes>(float[] arguments) where TLanes : unmanaged, ILanes<TLanes>
    {
        float[] results = new float[LaneLoop.Lanes];
        fixed (float* source = arguments, destination = results)
            Exponential.Of(TLanes.Load(source)).Store(destination);
        return results;
    }
}
