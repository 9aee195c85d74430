using CsCheck;
using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels;

public sealed class PackedRunTests
{
    [Fact]
    public void Whole_steps_are_those_that_read_within_the_matrix() => Gen.Select(Gen.Int[2, 8], Gen.Int[0, 300], Gen.Int[0, 40], Gen.Int[0, 40]).Sample((bits, count, firstColumn, spareBytes) =>
    {
        long matrixBytes = (((firstColumn + count) * bits) + 7) / 8 + spareBytes;
        long firstByte = firstColumn * bits / 8;
        int steps = WholeSteps(matrixBytes, firstColumn, bits, count);
        int fitting = Enumerable.Range(0, count / LaneLoop.Lanes).Count(step => firstByte + (2 * bits * step) + bits + sizeof(ulong) <= matrixBytes);
        return steps == fitting;
    });

    private static unsafe int WholeSteps(long bytesLeft, long column, int bits, int count) => new PackedRun(null, bytesLeft, column, bits).WholeSteps(count);
}
