using Pique.Numerics.Kernels;

namespace Pique.Formats.Gguf.Carriers;

/// <summary>TQ1_0: −1, 0 or 1 step, five to a byte.</summary>
internal sealed class TQ10Carrier() : StepCarrier(GgufTensorType.TQ1_0, -1, 1)
{
    private const int DAt = 52;
    private const int Digits = 5;
    private const int Fractions = 243;

    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<int> multiples, float step, Span<byte> block)
    {
        Span<int> numbers = stackalloc int[DAt];
        for (int i = 0; i < multiples.Length; i++)
        {
            (int at, int digit) = TQ10Blocks.PlaceOf(i);
            numbers[at] += (multiples[i] + 1) * PowerOfThree(Digits - 1 - digit);
        }

        // Of 243 fractions, as the least byte that tripling reads the digits back from.
        for (int at = 0; at < DAt; at++)
            block[at] = (byte)(((numbers[at] * 256) + Fractions - 1) / Fractions);
        WriteHalf(block[DAt..], step);
    }

    private static int PowerOfThree(int exponent) => exponent == 0 ? 1 : 3 * PowerOfThree(exponent - 1);
}
