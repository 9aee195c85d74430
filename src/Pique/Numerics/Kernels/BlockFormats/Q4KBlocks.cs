using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>
/// Q4_K: float16 d, float16 dmin, 12 bytes of <see cref="SixBitScales"/> for every 32 weights, 128 bytes of 4-bit codes. w = (d·scale)·q −
/// dmin·minimum.
/// </summary>
/// <remarks>Code byte l of each 32 holds weight l of a group in its low four bits and weight l of the next group in its high.</remarks>
internal readonly unsafe struct Q4KBlocks : IBlockFormat
{
    private const int ScalesAt = 4;
    private const int CodesAt = 16;

    public static string Name => "Q4_K";

    public static int Weights => 256;

    public static int Bytes => 144;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block);
        float dMin = HalfBits.Read(block + 2);
        for (int i = 0; i < Weights; i++)
        {
            (int scale, int minimum) = SixBitScales.Read(block + ScalesAt, i / 32);
            int code = (block[CodesAt + (i / 64 * 32) + (i % 32)] >> (4 * (i / 32 % 2))) & 15;
            output[i] = (d * scale * code) - (dMin * minimum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        float d = HalfBits.Read(block);
        float dMin = HalfBits.Read(block + 2);
        for (int group = 0; group < 8; group++, output += 32)
        {
            (int scale, int minimum) = SixBitScales.Read(block + ScalesAt, group);
            TLanes step = TLanes.Broadcast(d * scale);
            TLanes below = TLanes.Broadcast(dMin * minimum);
            byte* codes = block + CodesAt + (group / 2 * 32);
            int shift = 4 * (group % 2);
            TStores.Store((TLanes.FromBytes(Planes.Field(Vector128.Load(codes), shift, 15)) * step) - below, output);
            TStores.Store((TLanes.FromBytes(Planes.Field(Vector128.Load(codes + 16), shift, 15)) * step) - below, output + 16);
        }
    }
}
