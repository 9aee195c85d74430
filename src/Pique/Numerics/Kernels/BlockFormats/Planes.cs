using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Sixteen small codes at a time, from the bytes that hold them.</summary>
internal static unsafe class Planes
{
    /// <summary>The low four bits of sixteen bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LowHalves(Vector128<byte> bytes) => bytes & Vector128.Create((byte)15);

    /// <summary>The high four bits of sixteen bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> HighHalves(Vector128<byte> bytes) => (bytes.AsUInt16() >> 4).AsByte() & Vector128.Create((byte)15);

    /// <summary>Some bits of sixteen bytes, moved down to bit 0.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="shift">Bits to drop, 0 to 7.</param>
    /// <param name="mask">Which bits stay then.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Field(Vector128<byte> bytes, int shift, byte mask) => (bytes.AsUInt16() >> shift).AsByte() & Vector128.Create(mask);

    /// <summary>Sixteen bits, the lowest first, as bytes that are zero or a value.</summary>
    /// <param name="bits">The bits.</param>
    /// <param name="value">What a set bit becomes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Spread(ushort bits, byte value)
    {
        Vector128<byte> copies = Vector128.Create(Vector64.Create((byte)bits), Vector64.Create((byte)(bits >> 8)));
        Vector128<byte> places = Vector128.Create(1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128);
        return Vector128.Equals(copies & places, places) & Vector128.Create(value);
    }
}
