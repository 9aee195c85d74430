using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Q8_0: float16 d, then 32 signed bytes. w = q·d.</summary>
internal readonly unsafe struct Q80Blocks : IBlockFormat
{
    public static string Name => "Q8_0";

    public static int Weights => 32;

    public static int Bytes => 34;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block);
        for (int j = 0; j < 32; j++)
            output[j] = (sbyte)block[2 + j] * d;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes d = TLanes.Broadcast(HalfBits.Read(block));
        TStores.Store(TLanes.FromSignedBytes(Vector128.Load((sbyte*)block + 2)) * d, output);
        TStores.Store(TLanes.FromSignedBytes(Vector128.Load((sbyte*)block + 18)) * d, output + 16);
    }
}
