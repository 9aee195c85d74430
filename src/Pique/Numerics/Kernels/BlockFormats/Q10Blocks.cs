using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Q1_0: float16 d, then 128 bits, the lowest of each byte first. w = d where set, else −d.</summary>
internal readonly unsafe struct Q10Blocks : IBlockFormat
{
    public static string Name => "Q1_0";

    public static int Weights => 128;

    public static int Bytes => 18;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block);
        for (int i = 0; i < Weights; i++)
            output[i] = ((block[2 + (i / 8)] >> (i % 8)) & 1) != 0 ? d : -d;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes d = TLanes.Broadcast(HalfBits.Read(block));
        for (int sixteen = 0; sixteen < 8; sixteen++, output += 16)
        {
            Vector128<sbyte> signs = Planes.Spread(*(ushort*)(block + 2 + (2 * sixteen)), 2).AsSByte() - Vector128.Create((sbyte)1);
            TStores.Store(TLanes.FromSignedBytes(signs) * d, output);
        }
    }
}
