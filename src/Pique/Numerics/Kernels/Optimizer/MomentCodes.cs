using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Both moments of AdamW as 8-bit codes in blocks, each with its largest magnitude as scale.</summary>
/// <remarks>
/// Block-wise dynamic quantization, Dettmers et al. 2022, arXiv:2110.02861, sections 2.1 and 2.2, with another map. Code c of C stands for
/// s·(c/C)⁴: signed with C = 127 for the first moment, unsigned with C = 255 for the second. Like the paper's dynamic tree it is finest where
/// values are large and reaches far down, to 4·10⁻⁹ and 2·10⁻¹⁰ of the scale (the tree to 3·10⁻⁷). A value x times the scale is off by about
/// the fraction 2·x^(−¼)/C of itself at most, 1.8 times as much for every factor of ten that it is smaller by; the tree's error grows tenfold
/// down each decade and begins the next at twice what the last began at. And it needs no table: two square roots lead back, and roots, products and rounding are exact operations of
/// every vector width, so that all forms agree.
/// <para>
/// A second moment above zero never becomes zero: it is rounded to code 1 at least. The root of the second moment divides the step, so one
/// that collapsed would let the step explode, while one rounded up lets it shrink. A block whose scale is no normal number counts as zeros.
/// </para>
/// </remarks>
internal static unsafe class MomentCodes
{
    /// <summary>The code of a first moment of zero.</summary>
    public const byte FirstZero = 128;

    private const float FirstSteps = 127;
    private const float SecondSteps = 255;

    private const float LeastNormal = 1.17549435e-38f;

    /// <summary>Scales of a parameter's moment.</summary>
    /// <param name="weightCount">Weights of the parameter.</param>
    public static long BlockCount(long weightCount) => (weightCount + TensorSequence.BlockWeights - 1) / TensorSequence.BlockWeights;

    /// <summary>Reads the moments of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Read<TLanes>(in AdamWParameter parameter, long first, in AdamWBlock block, int count) where TLanes : unmanaged, ILanes<TLanes>
    {
        byte* firstCodes = parameter.FirstCodes + first, secondCodes = parameter.SecondCodes + first;
        TLanes firstScale = TLanes.Broadcast(parameter.FirstScales[first / TensorSequence.BlockWeights]);
        TLanes secondScale = TLanes.Broadcast(parameter.SecondScales[first / TensorSequence.BlockWeights]);
        TLanes zero = TLanes.Broadcast(FirstZero), firstStep = TLanes.Broadcast(1 / FirstSteps), secondStep = TLanes.Broadcast(1 / SecondSteps);
        int whole = count & ~(LaneLoop.Lanes - 1);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
        {
            TLanes signed = (TLanes.FromBytes(Vector128.Load(firstCodes + i)) - zero) * firstStep;
            (signed * TLanes.Abs(signed) * (signed * signed) * firstScale).Store(block.First + i);
            TLanes unsigned = TLanes.FromBytes(Vector128.Load(secondCodes + i)) * secondStep;
            (unsigned * unsigned * (unsigned * unsigned) * secondScale).Store(block.Second + i);
        }

        ReadScalar(parameter, first, block, whole, count);
    }

    /// <summary>Reads the moments of a block: the reference.</summary>
    public static void ReadScalar(in AdamWParameter parameter, long first, in AdamWBlock block, int count) => ReadScalar(parameter, first, block, 0, count);

    /// <summary>Rounds the moments of a block to codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Write<TLanes>(in AdamWParameter parameter, long first, in AdamWBlock block, int count) where TLanes : unmanaged, ILanes<TLanes>
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        (float largestFirst, float largestSecond) = Largest<TLanes>(block, whole, count);
        Scales scales = new(parameter, first, largestFirst, largestSecond);
        byte* firstCodes = parameter.FirstCodes + first, secondCodes = parameter.SecondCodes + first;
        TLanes firstFactor = TLanes.Broadcast(scales.FirstFactor), secondFactor = TLanes.Broadcast(scales.SecondFactor);
        TLanes firstSteps = TLanes.Broadcast(FirstSteps), secondSteps = TLanes.Broadcast(SecondSteps), one = TLanes.Broadcast(1), nothing = TLanes.Broadcast(0);
        Vector128<short> firstZero = Vector128.Create((short)FirstZero), secondZero = Vector128<short>.Zero;
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
        {
            TLanes moment = TLanes.Load(block.First + i);
            TLanes magnitude = TLanes.Round(TLanes.Sqrt(TLanes.Sqrt(TLanes.Abs(moment) * firstFactor)) * firstSteps);
            TLanes.Select(TLanes.LessOrEqual(moment, nothing), nothing - magnitude, magnitude).ToCodes(firstZero).Store(firstCodes + i);
            moment = TLanes.Load(block.Second + i);
            magnitude = TLanes.AtLeast(TLanes.Round(TLanes.Sqrt(TLanes.Sqrt(moment * secondFactor)) * secondSteps), one);
            TLanes.Select(TLanes.LessOrEqual(moment, nothing), nothing, magnitude).ToCodes(secondZero).Store(secondCodes + i);
        }

        WriteScalar(parameter, first, block, whole, count, scales);
    }

    /// <summary>Rounds the moments of a block to codes: the reference.</summary>
    public static void WriteScalar(in AdamWParameter parameter, long first, in AdamWBlock block, int count)
    {
        (float largestFirst, float largestSecond) = LargestScalar(block, 0, count, (0, 0));
        WriteScalar(parameter, first, block, 0, count, new(parameter, first, largestFirst, largestSecond));
    }

    private static void ReadScalar(in AdamWParameter parameter, long first, in AdamWBlock block, int from, int to)
    {
        float firstScale = parameter.FirstScales[first / TensorSequence.BlockWeights];
        float secondScale = parameter.SecondScales[first / TensorSequence.BlockWeights];
        for (int i = from; i < to; i++)
        {
            float signed = (parameter.FirstCodes[first + i] - (float)FirstZero) * (1 / FirstSteps);
            block.First[i] = signed * MathF.Abs(signed) * (signed * signed) * firstScale;
            float unsigned = parameter.SecondCodes[first + i] * (1 / SecondSteps);
            block.Second[i] = unsigned * unsigned * (unsigned * unsigned) * secondScale;
        }
    }

    private static void WriteScalar(in AdamWParameter parameter, long first, in AdamWBlock block, int from, int to, in Scales scales)
    {
        for (int i = from; i < to; i++)
        {
            float moment = block.First[i];
            float magnitude = MathF.Round(MathF.Sqrt(MathF.Sqrt(MathF.Abs(moment) * scales.FirstFactor)) * FirstSteps);
            parameter.FirstCodes[first + i] = (byte)(FirstZero + (int)(moment <= 0 ? -magnitude : magnitude));
            moment = block.Second[i];
            magnitude = MathF.Max(MathF.Round(MathF.Sqrt(MathF.Sqrt(moment * scales.SecondFactor)) * SecondSteps), 1);
            parameter.SecondCodes[first + i] = (byte)(moment <= 0 ? 0 : magnitude);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (float First, float Second) Largest<TLanes>(in AdamWBlock block, int whole, int count) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes first = default, second = default;
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
        {
            first = TLanes.AtLeast(first, TLanes.Abs(TLanes.Load(block.First + i)));
            second = TLanes.AtLeast(second, TLanes.Load(block.Second + i));
        }

        return LargestScalar(block, whole, count, (first.Largest(), second.Largest()));
    }

    private static (float First, float Second) LargestScalar(in AdamWBlock block, int from, int to, (float First, float Second) largest)
    {
        for (int i = from; i < to; i++)
            largest = (MathF.Max(largest.First, MathF.Abs(block.First[i])), MathF.Max(largest.Second, block.Second[i]));
        return largest;
    }

    /// <summary>Stores the scales of a block, and keeps what values are multiplied by to lie within 0 … 1.</summary>
    private readonly struct Scales
    {
        public Scales(in AdamWParameter parameter, long first, float largestFirst, float largestSecond)
        {
            parameter.FirstScales[first / TensorSequence.BlockWeights] = largestFirst < LeastNormal ? 0 : largestFirst;
            parameter.SecondScales[first / TensorSequence.BlockWeights] = largestSecond < LeastNormal ? 0 : largestSecond;
            FirstFactor = largestFirst < LeastNormal ? 0 : 1 / largestFirst;
            SecondFactor = largestSecond < LeastNormal ? 0 : 1 / largestSecond;
        }

        public float FirstFactor { get; }

        public float SecondFactor { get; }
    }
}
