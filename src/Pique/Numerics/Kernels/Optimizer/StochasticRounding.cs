using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Weights between bfloat16 and float32. Back they are rounded up with a probability equal to the share that would be cut off, so that updates far below a weight's last bit count on average.</summary>
/// <remarks>
/// The random number of a weight depends on the stream's state and on the weight's index alone: 16 of the 64 bits of word index / 4 of
/// <see cref="SplitMix64"/>. Stochastic rounding of a sum: Gupta et al. 2015, arXiv:1502.02551, section 3.1.
/// </remarks>
internal static unsafe class StochasticRounding
{
    private const int NumbersPerWord = 4;

    /// <summary>Reads bfloat16 values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Widen<TLanes>(ushort* source, float* destination, int count) where TLanes : unmanaged, ILanes<TLanes>
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            TLanes.LoadBFloat16(source + i).Store(destination + i);
        WidenScalar(source, destination, whole, count);
    }

    /// <summary>Reads bfloat16 values: the reference.</summary>
    public static void WidenScalar(ushort* source, float* destination, int from, int to)
    {
        for (int i = from; i < to; i++)
            destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }

    /// <summary>Rounds values to bfloat16.</summary>
    /// <param name="source">Values.</param>
    /// <param name="destination">Receives them.</param>
    /// <param name="count">Their number.</param>
    /// <param name="state">State of the random stream.</param>
    /// <param name="firstIndex">Index of the first value in its tensor, a multiple of 16.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Round<TLanes>(float* source, ushort* destination, int count, ulong state, long firstIndex) where TLanes : unmanaged, ILanes<TLanes>
    {
        const int WordsPerStep = LaneLoop.Lanes / NumbersPerWord;
        ulong* words = stackalloc ulong[WordsPerStep];
        int whole = count & ~(LaneLoop.Lanes - 1);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
        {
            // On a little-endian machine the four numbers of a word lie in memory in the order of the reference.
            for (int word = 0; word < WordsPerStep; word++)
                words[word] = SplitMix64.Word(state, ((firstIndex + i) / NumbersPerWord) + word);
            TLanes.Load(source + i).StoreBFloat16(destination + i, (ushort*)words);
        }

        RoundScalar(source, destination, whole, count, state, firstIndex);
    }

    /// <summary>Rounds values to bfloat16: the reference.</summary>
    public static void RoundScalar(float* source, ushort* destination, int from, int to, ulong state, long firstIndex)
    {
        for (int i = from; i < to; i++)
        {
            long index = firstIndex + i;
            uint random = (uint)(SplitMix64.Word(state, index / NumbersPerWord) >> (int)(index % NumbersPerWord * 16)) & 0xFFFF;
            destination[i] = (ushort)((BitConverter.SingleToUInt32Bits(source[i]) + random) >> 16);
        }
    }
}
