using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Q5_K: as <see cref="Q4KBlocks"/> with 32 bytes of fifth bits before the codes: bit k of byte l belongs to weight l of group k.</summary>
internal readonly unsafe struct Q5KBlocks : IBlockFormat
{
    private const int ScalesAt = 4;
    private const int HighAt = 16;
    private const int CodesAt = 48;

    public static string Name => "Q5_K";

    public static int Weights => 256;

    public static int Bytes => 176;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block);
        float dMin = HalfBits.Read(block + 2);
        for (int i = 0; i < Weights; i++)
        {
            (int scale, int minimum) = SixBitScales.Read(block + ScalesAt, i / 32);
            int low = (block[CodesAt + (i / 64 * 32) + (i % 32)] >> (4 * (i / 32 % 2))) & 15;
            int high = (block[HighAt + (i % 32)] >> (i / 32)) & 1;
            output[i] = (d * scale * (low | (high << 4))) - (dMin * minimum);
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
            for (int half = 0; half < 32; half += 16)
            {
                Vector128<byte> low = Planes.Field(Vector128.Load(block + CodesAt + (group / 2 * 32) + half), 4 * (group % 2), 15);
                Vector128<byte> high = Planes.Field(Vector128.Load(block + HighAt + half), group, 1);
                TStores.Store((TLanes.FromBytes(low | (high.AsUInt16() << 4).AsByte()) * step) - below, output + half);
            }
        }
    }
}
