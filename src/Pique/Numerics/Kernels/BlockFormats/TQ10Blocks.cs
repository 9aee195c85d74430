using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>TQ1_0: 48 bytes of five ternary digits and 4 bytes of four, float16 d. w = (digit − 1)·d.</summary>
/// <remarks>
/// A byte is its digits' fraction of 243, scaled to 256 and rounded up: digit n is the carry out of tripling the byte n times and once
/// more. Digit n of byte l is weight 32·n + l for the first 32 bytes, 160 + 16·n + (l − 32) for the next 16, 240 + 4·n + (l − 48) for the
/// last 4.
/// </remarks>
internal readonly unsafe struct TQ10Blocks : IBlockFormat
{
    private const int DAt = 52;
    private const int Digits = 5;

    public static string Name => "TQ1_0";

    public static int Weights => 256;

    public static int Bytes => 54;

    /// <summary>Byte and digit of a weight.</summary>
    /// <param name="weight">Index in the block.</param>
    public static (int Byte, int Digit) PlaceOf(int weight) => weight switch
    {
        < 160 => (weight % 32, weight / 32),
        < 240 => (32 + (weight % 16), (weight - 160) / 16),
        _ => (48 + (weight % 4), (weight - 240) / 4),
    };

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block + DAt);
        for (int i = 0; i < Weights; i++)
        {
            (int at, int digit) = PlaceOf(i);
            byte tripled = block[at];
            for (int n = 0; n < digit; n++)
                tripled = (byte)(tripled * 3);
            output[i] = (((tripled * 3) >> 8) - 1) * d;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes d = TLanes.Broadcast(HalfBits.Read(block + DAt));
        Vector128<byte> first = Vector128.Load(block);
        Vector128<byte> second = Vector128.Load(block + 16);
        Vector128<byte> third = Vector128.Load(block + 32);
        Vector128<byte> last = default;
        for (int digit = 0; digit < Digits; digit++)
        {
            TStores.Store(Digit<TLanes>(first) * d, output + (32 * digit));
            TStores.Store(Digit<TLanes>(second) * d, output + (32 * digit) + 16);
            TStores.Store(Digit<TLanes>(third) * d, output + 160 + (16 * digit));
            (first, second, third) = (Triple(first), Triple(second), Triple(third));
        }

        uint bytes = *(uint*)(block + 48);
        for (int digit = 0; digit < 4; digit++)
        {
            last = last.AsUInt32().WithElement(digit, bytes).AsByte();
            bytes = Triple(Vector128.CreateScalar(bytes).AsByte()).AsUInt32()[0];
        }

        TStores.Store(Digit<TLanes>(last) * d, output + 240);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Triple(Vector128<byte> bytes) => bytes + bytes + bytes;

    /// <summary>The leading digit less 1: below a third of 256, below two thirds, or not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Digit<TLanes>(Vector128<byte> bytes) where TLanes : unmanaged, ILanes<TLanes>
    {
        Vector128<sbyte> atLeastOne = Vector128.GreaterThanOrEqual(bytes, Vector128.Create((byte)86)).AsSByte();
        Vector128<sbyte> atLeastTwo = Vector128.GreaterThanOrEqual(bytes, Vector128.Create((byte)171)).AsSByte();
        return TLanes.FromSignedBytes(Vector128.Create((sbyte)-1) - atLeastOne - atLeastTwo);
    }
}
