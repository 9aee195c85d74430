using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Q4_0: float16 d, then 16 bytes; byte j holds weight j in its low four bits and weight j + 16 in its high. w = (q − 8)·d.</summary>
internal readonly unsafe struct Q40Blocks : IBlockFormat
{
    public static string Name => "Q4_0";

    public static int Weights => 32;

    public static int Bytes => 18;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block);
        for (int j = 0; j < 16; j++)
        {
            output[j] = ((block[2 + j] & 15) - 8) * d;
            output[j + 16] = ((block[2 + j] >> 4) - 8) * d;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes d = TLanes.Broadcast(HalfBits.Read(block));
        Vector128<byte> codes = Vector128.Load(block + 2);
        Vector128<sbyte> low = (codes & Vector128.Create((byte)15)).AsSByte() - Vector128.Create((sbyte)8);
        Vector128<sbyte> high = ((codes.AsUInt16() >> 4).AsByte() & Vector128.Create((byte)15)).AsSByte() - Vector128.Create((sbyte)8);
        TStores.Store(TLanes.FromSignedBytes(low) * d, output);
        TStores.Store(TLanes.FromSignedBytes(high) * d, output + 16);
    }
}
