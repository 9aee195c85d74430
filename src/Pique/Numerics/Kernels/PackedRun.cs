using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Where the codes of consecutive weights of a packed row lie; a step reads sixteen of them.</summary>
internal readonly unsafe struct PackedRun
{
    private readonly long _bytesLeft;

    /// <summary>Stands before a code.</summary>
    /// <param name="row">First byte of the row.</param>
    /// <param name="bytesLeft">Bytes from there to the end of the matrix.</param>
    /// <param name="column">Column of the code.</param>
    /// <param name="bits">Bits a code.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PackedRun(byte* row, long bytesLeft, long column, int bits)
    {
        long bit = column * bits;
        Bits = bits;
        FirstBit = (int)bit & 7;
        First = row + (bit >> 3);
        _bytesLeft = bytesLeft - (bit >> 3);
    }

    /// <summary>Bits a code.</summary>
    public int Bits { get; }

    /// <summary>The byte that the first code begins in.</summary>
    public byte* First { get; }

    /// <summary>The bit of that byte, and of the first byte of every further step.</summary>
    public int FirstBit { get; }

    /// <summary>Bytes from step to step.</summary>
    public int StepBytes => 2 * Bits;

    /// <summary>How many steps may read whole words: none may reach past the end of the matrix.</summary>
    /// <param name="count">Codes in the run.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int WholeSteps(int count)
    {
        // A step reads a word for eight codes and another b bytes on.
        long last = _bytesLeft - Bits - sizeof(ulong);
        int steps = (int)((uint)count / LaneLoop.Lanes);
        return last >= (long)StepBytes * (steps - 1) ? steps : last < 0 ? 0 : (int)(last / StepBytes) + 1;
    }

    /// <summary>Copies the codes of a step, and no byte more than they lie in, to where whole words may be read.</summary>
    /// <param name="step">Number of the step.</param>
    /// <param name="count">Codes in it.</param>
    /// <param name="padded">Receives <see cref="PaddedBytes"/>, zeros after the codes.</param>
    public void CopyStep(int step, int count, byte* padded)
    {
        int bytes = ((count * Bits) + FirstBit + 7) >> 3;
        new Span<byte>(padded + bytes, PaddedBytes - bytes).Clear();
        Unsafe.CopyBlockUnaligned(padded, First + ((long)step * StepBytes), (uint)bytes);
    }

    /// <summary>Bytes that a step may read.</summary>
    public const int PaddedBytes = 24;
}
