using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>
/// Q2_K: 16 bytes of a scale (low four bits) and a minimum (high four) for every 16 weights, 64 bytes of 2-bit codes, float16 d, float16
/// dmin. w = (d·scale)·q − dmin·minimum.
/// </summary>
/// <remarks>Code bytes come in two halves of 32, each for 128 weights: byte l of a half holds weights l, l + 32, l + 64 and l + 96, lowest bits first.</remarks>
internal readonly unsafe struct Q2KBlocks : IBlockFormat
{
    private const int CodesAt = 16;
    private const int DAt = 80;
    private const int DMinAt = 82;
    private const int Groups = 16;

    public static string Name => "Q2_K";

    public static int Weights => 256;

    public static int Bytes => 84;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block + DAt);
        float dMin = HalfBits.Read(block + DMinAt);
        for (int i = 0; i < Weights; i++)
        {
            byte scale = block[i / Groups];
            int code = (block[CodesAt + (i / 128 * 32) + (i % 32)] >> (2 * (i / 32 % 4))) & 3;
            output[i] = (d * (scale & 15) * code) - (dMin * (scale >> 4));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        Vector128<byte> both = Vector128.Load(block);
        TLanes scaleLanes = TLanes.FromBytes(both & Vector128.Create((byte)15)) * TLanes.Broadcast(HalfBits.Read(block + DAt));
        TLanes minimumLanes = TLanes.FromBytes((both.AsUInt16() >> 4).AsByte() & Vector128.Create((byte)15)) * TLanes.Broadcast(HalfBits.Read(block + DMinAt));
        float* scales = (float*)&scaleLanes;
        float* minima = (float*)&minimumLanes;
        for (int group = 0; group < Groups; group += 8)
        {
            Vector128<ushort> first = Vector128.Load(block + CodesAt + (4 * group)).AsUInt16();
            Vector128<ushort> second = Vector128.Load(block + CodesAt + (4 * group) + 16).AsUInt16();
            for (int pair = group; pair < group + 8; pair += 2, first >>= 2, second >>= 2, output += 32)
            {
                TStores.Store((TLanes.FromBytes(first.AsByte() & Vector128.Create((byte)3)) * TLanes.Broadcast(scales[pair])) - TLanes.Broadcast(minima[pair]), output);
                TStores.Store((TLanes.FromBytes(second.AsByte() & Vector128.Create((byte)3)) * TLanes.Broadcast(scales[pair + 1])) - TLanes.Broadcast(minima[pair + 1]), output + 16);
            }
        }
    }
}
