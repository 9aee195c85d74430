using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Q5_1: float16 d, float16 minimum m, then 20 bytes as in <see cref="Q50Blocks"/>. w = q·d + m.</summary>
internal readonly unsafe struct Q51Blocks : IBlockFormat
{
    public static string Name => "Q5_1";

    public static int Weights => 32;

    public static int Bytes => 24;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block);
        float m = HalfBits.Read(block + 2);
        uint high = *(uint*)(block + 4);
        for (int j = 0; j < 16; j++)
        {
            output[j] = (((block[8 + j] & 15u) | (((high >> j) & 1) << 4)) * d) + m;
            output[j + 16] = (((uint)(block[8 + j] >> 4) | (((high >> (j + 16)) & 1) << 4)) * d) + m;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes d = TLanes.Broadcast(HalfBits.Read(block));
        TLanes m = TLanes.Broadcast(HalfBits.Read(block + 2));
        Vector128<byte> codes = Vector128.Load(block + 8);
        TStores.Store((TLanes.FromBytes(Planes.LowHalves(codes) | Planes.Spread(*(ushort*)(block + 4), 16)) * d) + m, output);
        TStores.Store((TLanes.FromBytes(Planes.HighHalves(codes) | Planes.Spread(*(ushort*)(block + 6), 16)) * d) + m, output + 16);
    }
}
