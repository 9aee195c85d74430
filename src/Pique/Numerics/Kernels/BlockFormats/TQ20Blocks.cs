using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>TQ2_0: 64 bytes of 2-bit codes that lie as those of <see cref="Q2KBlocks"/>, float16 d. w = (q − 1)·d.</summary>
internal readonly unsafe struct TQ20Blocks : IBlockFormat
{
    private const int DAt = 64;

    public static string Name => "TQ2_0";

    public static int Weights => 256;

    public static int Bytes => 66;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block + DAt);
        for (int i = 0; i < Weights; i++)
            output[i] = (((block[(i / 128 * 32) + (i % 32)] >> (2 * (i / 32 % 4))) & 3) - 1) * d;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes d = TLanes.Broadcast(HalfBits.Read(block + DAt));
        for (int sixteen = 0; sixteen < 16; sixteen++, output += 16)
        {
            Vector128<byte> bytes = Vector128.Load(block + (sixteen / 8 * 32) + (16 * (sixteen % 2)));
            Vector128<sbyte> codes = Planes.Field(bytes, 2 * (sixteen / 2 % 4), 3).AsSByte() - Vector128.Create((sbyte)1);
            TStores.Store(TLanes.FromSignedBytes(codes) * d, output);
        }
    }
}
