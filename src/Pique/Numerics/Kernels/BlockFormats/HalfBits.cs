using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Reads the float16 scales of blocks.</summary>
internal static unsafe class HalfBits
{
    /// <summary>The float16 at an address that need not be aligned, as float32.</summary>
    /// <remarks>A float16's bits, moved to where float32 has them, are its value times 2^−112, subnormal ones included.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Read(byte* address)
    {
        const float Rebias = 5.192296858534828e33f; // 2^112
        uint bits = *(ushort*)address;
        if ((bits & 0x7C00) == 0x7C00)
            return (float)BitConverter.UInt16BitsToHalf((ushort)bits);
        float magnitude = BitConverter.UInt32BitsToSingle((bits & 0x7FFF) << 13) * Rebias;
        return BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(magnitude) | ((bits & 0x8000) << 16));
    }
}
