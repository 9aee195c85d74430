using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Q5_0: float16 d, 32 bits that hold the fifth bit of each weight, then 16 bytes as in <see cref="Q40Blocks"/>. w = (q − 16)·d.</summary>
internal readonly unsafe struct Q50Blocks : IBlockFormat
{
    public static string Name => "Q5_0";

    public static int Weights => 32;

    public static int Bytes => 22;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block);
        uint high = *(uint*)(block + 2);
        for (int j = 0; j < 16; j++)
        {
            output[j] = ((int)((block[6 + j] & 15u) | (((high >> j) & 1) << 4)) - 16) * d;
            output[j + 16] = ((int)((uint)(block[6 + j] >> 4) | (((high >> (j + 16)) & 1) << 4)) - 16) * d;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes d = TLanes.Broadcast(HalfBits.Read(block));
        Vector128<byte> codes = Vector128.Load(block + 6);
        Vector128<sbyte> low = (Planes.LowHalves(codes) | Planes.Spread(*(ushort*)(block + 2), 16)).AsSByte() - Vector128.Create((sbyte)16);
        Vector128<sbyte> high = (Planes.HighHalves(codes) | Planes.Spread(*(ushort*)(block + 4), 16)).AsSByte() - Vector128.Create((sbyte)16);
        TStores.Store(TLanes.FromSignedBytes(low) * d, output);
        TStores.Store(TLanes.FromSignedBytes(high) * d, output + 16);
    }
}
