using CsCheck;
using Pique.Numerics;

namespace Pique.Tests.Numerics;

public sealed class BitPackingTests
{
    [Fact]
    public void Unpacking_gives_back_what_was_packed() =>
        Gen.Int[1, 8].SelectMany(bits => Gen.Byte[0, (byte)((1 << bits) - 1)].Array[0, 70].Select(codes => (bits, codes))).Sample(sample =>
        {
            (int bits, byte[] codes) = sample;
            byte[] packed = new byte[BitPacking.RowBytes(codes.Length, bits)];
            BitPacking.PackRow(codes, bits, packed);
            byte[] back = new byte[codes.Length];
            BitPacking.UnpackRow(packed, bits, back);
            return back.SequenceEqual(codes);
        });

    [Fact]
    public void Codes_fill_bytes_from_the_lowest_bit()
    {
        byte[] packed = new byte[2];
        BitPacking.PackRow([0b001, 0b010, 0b111, 0b100], 3, packed);
        Assert.Equal([0b11_010_001, 0b0000_1001], packed);
    }

    [Fact]
    public void A_code_too_large_and_a_wrong_length_are_refused()
    {
        Assert.Throws<ArgumentException>(() => BitPacking.PackRow([4], 2, new byte[1]));
        Assert.Equal(
            "Found 2 bytes, expected 1 for 3 codes of 2 bits.",
            Assert.Throws<ArgumentException>(() => BitPacking.UnpackRow(new byte[2], 2, new byte[3])).Message);
    }
}
