using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>
/// Q3_K: 32 bytes of high bits, 64 bytes of low bits, 12 bytes of 6-bit scales for every 16 weights, float16 d. w = (d·(scale − 32))·q,
/// q ∈ −4 … 3.
/// </summary>
/// <remarks>
/// Low bits lie as the codes of <see cref="Q2KBlocks"/>; bit k of high byte l belongs to weight l + 32·k. The low four bits of scale j
/// are the low half of scale byte j for j &lt; 8 and the high half of byte j − 8 from there on; its high two are bits 2·(j / 4) and
/// 2·(j / 4) + 1 of byte 8 + j mod 4.
/// </remarks>
internal readonly unsafe struct Q3KBlocks : IBlockFormat
{
    private const int LowAt = 32;
    private const int ScalesAt = 96;
    private const int DAt = 108;
    private const int Groups = 16;

    public static string Name => "Q3_K";

    public static int Weights => 256;

    public static int Bytes => 110;

    public static void Dequantize(byte* block, float* output)
    {
        float d = HalfBits.Read(block + DAt);
        byte* scales = block + ScalesAt;
        for (int i = 0; i < Weights; i++)
        {
            int group = i / Groups;
            int scale = (group < 8 ? scales[group] & 15 : scales[group - 8] >> 4) | (((scales[8 + (group % 4)] >> (2 * (group / 4))) & 3) << 4);
            int low = (block[LowAt + (i / 128 * 32) + (i % 32)] >> (2 * (i / 32 % 4))) & 3;
            int high = (block[i % 32] >> (i / 32)) & 1;
            output[i] = d * (scale - 32) * (low + (4 * high) - 4);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        TLanes scaleLanes = TLanes.FromSignedBytes(Scales(block + ScalesAt)) * TLanes.Broadcast(HalfBits.Read(block + DAt));
        float* scales = (float*)&scaleLanes;
        for (int group = 0; group < Groups; group += 8)
        {
            // High bits 0 … 3 and then 4 … 7, from bit 2 down.
            Vector128<ushort> firstHigh = Vector128.Load(block).AsUInt16();
            Vector128<ushort> secondHigh = Vector128.Load(block + 16).AsUInt16();
            (firstHigh, secondHigh) = group == 0 ? (firstHigh << 2, secondHigh << 2) : (firstHigh >> 2, secondHigh >> 2);
            Vector128<ushort> first = Vector128.Load(block + LowAt + (4 * group)).AsUInt16();
            Vector128<ushort> second = Vector128.Load(block + LowAt + (4 * group) + 16).AsUInt16();
            for (int pair = group; pair < group + 8; pair += 2, output += 32)
            {
                TStores.Store(TLanes.FromSignedBytes(Codes(first, firstHigh)) * TLanes.Broadcast(scales[pair]), output);
                TStores.Store(TLanes.FromSignedBytes(Codes(second, secondHigh)) * TLanes.Broadcast(scales[pair + 1]), output + 16);
                (first, second) = (first >> 2, second >> 2);
                (firstHigh, secondHigh) = (firstHigh >> 1, secondHigh >> 1);
            }
        }
    }

    /// <summary>The sixteen scales less 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Scales(byte* packed)
    {
        const ulong LowHalves = 0x0F0F_0F0F_0F0F_0F0F;
        const ulong HighBits = 0x3030_3030_3030_3030;
        ulong low = *(ulong*)packed;
        ulong high = *(uint*)(packed + 8);
        ulong first = (low & LowHalves) | (((high << 4) | (high << 34)) & HighBits);
        ulong second = ((low >> 4) & LowHalves) | ((high | (high << 30)) & HighBits);
        return Vector128.Create(first, second).AsSByte() - Vector128.Create((sbyte)32);
    }

    /// <summary>Codes −4 … 3 of sixteen weights: the lowest two bits of each low byte and bit 2 of each high byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Codes(Vector128<ushort> low, Vector128<ushort> high) =>
        ((low.AsByte() & Vector128.Create((byte)3)) | (high.AsByte() & Vector128.Create((byte)4))).AsSByte() - Vector128.Create((sbyte)4);
}
