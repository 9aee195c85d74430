using System.Buffers.Binary;

namespace Pique.Formats.Gguf.Carriers;

/// <summary>Q5_0: −16 … 15 steps.</summary>
internal sealed class Q50Carrier() : StepCarrier(GgufTensorType.Q5_0, -16, 15)
{
    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<int> multiples, float step, Span<byte> block)
    {
        WriteHalf(block, step);
        uint high = 0;
        for (int j = 0; j < 32; j++)
        {
            int code = multiples[j] + 16;
            high |= (uint)(code >> 4) << j;
            block[6 + (j % 16)] |= (byte)((code & 15) << (j / 16 * 4));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(block[2..], high);
    }
}
