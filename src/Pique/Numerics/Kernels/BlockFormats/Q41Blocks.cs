using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Q4_1: float16 d, float16 minimum m, then 16 bytes as in <see cref="Q40Blocks"/>. w = q·d + m.</summary>
internal readonly unsafe struct Q41Blocks : IBlockFormat
{
    public static string Name => "Q4_1";

    public static int Weights => 32;

    public static int Bytes => 20;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block);
        float m = HalfBits.Read(block + 2);
        for (int j = 0; j < 16; j++)
        {
            output[j] = ((block[4 + j] & 15) * d) + m;
            output[j + 16] = ((block[4 + j] >> 4) * d) + m;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes d = TLanes.Broadcast(HalfBits.Read(block));
        TLanes m = TLanes.Broadcast(HalfBits.Read(block + 2));
        Vector128<byte> codes = Vector128.Load(block + 4);
        TStores.Store((TLanes.FromBytes(Planes.LowHalves(codes)) * d) + m, output);
        TStores.Store((TLanes.FromBytes(Planes.HighHalves(codes)) * d) + m, output + 16);
    }
}
