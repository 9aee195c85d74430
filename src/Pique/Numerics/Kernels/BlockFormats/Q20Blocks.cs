using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Q2_0: float16 d, then 64 codes of 2 bits in their order, the lowest of each byte first. w = (q − 1)·d.</summary>
internal readonly unsafe struct Q20Blocks : IBlockFormat
{
    public static string Name => "Q2_0";

    public static int Weights => 64;

    public static int Bytes => 18;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block);
        for (int i = 0; i < Weights; i++)
            output[i] = (((block[2 + (i / 4)] >> (2 * (i % 4))) & 3) - 1) * d;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes d = TLanes.Broadcast(HalfBits.Read(block));
        for (int sixteen = 0; sixteen < 4; sixteen++, output += 16)
        {
            // Four bytes, each four times over, every copy shifted to another code.
            Vector128<uint> bytes = Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(uint*)(block + 2 + (4 * sixteen))).AsByte()));
            Vector128<uint> fields = bytes | (bytes << 6) | (bytes << 12) | (bytes << 18);
            Vector128<sbyte> codes = (fields.AsByte() & Vector128.Create((byte)3)).AsSByte() - Vector128.Create((sbyte)1);
            TStores.Store(TLanes.FromSignedBytes(codes) * d, output);
        }
    }
}
