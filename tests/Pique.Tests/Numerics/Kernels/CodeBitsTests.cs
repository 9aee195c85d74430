using CsCheck;
using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels;

public sealed class CodeBitsTests
{
    [Fact]
    public void Shifts_and_instructions_move_the_same_bits() => Gen.Select(Gen.Int[1, 8], Gen.ULong).Sample((bits, word) =>
    {
        CodeBits codes = new(bits);
        return codes.Pack(word) == codes.PackPortable(word) && codes.Unpack(word) == codes.UnpackPortable(word);
    });

    [Fact]
    public void Unpacking_gives_back_the_lowest_bits_that_were_packed() => Gen.Select(Gen.Int[1, 8], Gen.ULong).Sample((bits, word) =>
    {
        CodeBits codes = new(bits);
        ulong expected = word & (((1ul << bits) - 1) * 0x0101_0101_0101_0101);
        return codes.UnpackPortable(codes.PackPortable(word)) == expected;
    });

    [Fact]
    public void Eight_codes_of_three_bits_lie_lowest_first() =>
        Assert.Equal(0b111_110_101_100_011_010_001_000ul, new CodeBits(3).PackPortable(0x0706_0504_0302_0100));
}
