using CsCheck;
using Pique.Numerics;
using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels;

public sealed class UnpackKernelTests
{
    [Fact]
    public void Rows_unpack_as_the_scalar_reference_unpacks_them() => Gen.Select(Gen.Int[1, 8], Gen.Int[0, 200], Gen.Int).Sample((bits, count, seed) =>
    {
        byte[] packed = new byte[BitPacking.RowBytes(count, bits)];
        new Random(seed).NextBytes(packed);
        byte[] expected = new byte[count], codes = new byte[count];
        BitPacking.UnpackRow(packed, bits, expected);
        UnpackKernel.UnpackRow(packed, bits, codes);
        return expected.SequenceEqual(codes);
    });

    [Fact]
    public void A_wrong_length_is_refused() => Assert.Equal(
        "Found 9 bytes, expected 8 for 21 codes of 3 bits.",
        Assert.Throws<ArgumentException>(() => UnpackKernel.UnpackRow(new byte[9], 3, new byte[21])).Message);
}
