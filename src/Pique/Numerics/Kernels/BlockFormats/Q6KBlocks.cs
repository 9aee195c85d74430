using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>
/// Q6_K: 128 bytes of low four bits, 64 bytes of high two bits, a signed byte of scale for every 16 weights, float16 d.
/// w = (d·scale)·(q − 32).
/// </summary>
/// <remarks>In each half of 128 weights, low byte l of 64 holds weights l and l + 64, and high byte l of 32 weights l, l + 32, l + 64 and l + 96, lowest bits first.</remarks>
internal readonly unsafe struct Q6KBlocks : IBlockFormat
{
    private const int HighAt = 128;
    private const int ScalesAt = 192;
    private const int DAt = 208;

    public static string Name => "Q6_K";

    public static int Weights => 256;

    public static int Bytes => 210;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block + DAt);
        for (int i = 0; i < Weights; i++)
        {
            int low = (block[(i / 128 * 64) + (i % 64)] >> (4 * (i / 64 % 2))) & 15;
            int high = (block[HighAt + (i / 128 * 32) + (i % 32)] >> (2 * (i / 32 % 4))) & 3;
            output[i] = d * (sbyte)block[ScalesAt + (i / 16)] * ((low | (high << 4)) - 32);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        float d = HalfBits.Read(block + DAt);
        for (int sixteen = 0; sixteen < 16; sixteen++, output += 16)
        {
            int half = sixteen / 8;
            Vector128<byte> low = Planes.Field(Vector128.Load(block + (64 * half) + (16 * (sixteen % 4))), 4 * (sixteen / 4 % 2), 15);
            Vector128<byte> high = Planes.Field(Vector128.Load(block + HighAt + (32 * half) + (16 * (sixteen % 2))), 2 * (sixteen / 2 % 4), 3);
            Vector128<sbyte> codes = (low | (high.AsUInt16() << 4).AsByte()).AsSByte() - Vector128.Create((sbyte)32);
            TStores.Store(TLanes.FromSignedBytes(codes) * TLanes.Broadcast(d * (sbyte)block[ScalesAt + sixteen]), output);
        }
    }
}
