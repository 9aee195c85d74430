using System.Buffers.Binary;
using System.Text;
using Pique.Numerics;

namespace Pique.Benchmarks.HostileFiles;

/// <summary>Damages a file: flipped bits, cuts, splices, numbers that lie.</summary>
internal static class Mutation
{
    private const int MostSteps = 4;
    private const int HeadBytes = 512;
    private const int MostSplicedBytes = 256;

    private static readonly ulong[] Numbers =
    [
        0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 1ul << 40,
        0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFE0, ulong.MaxValue,
    ];

    private static readonly byte[][] NumberTexts =
    [
        .. new[] { "0", "1", "-1", "2", "7", "16", "255", "1e3", "0.5", "-0", "1e999", "2147483647", "2147483648", "4294967296", "9223372036854775807", "18446744073709551616", "null", "true", "[]", "{}", "\"\"", "\"\\ud800\"" }
            .Select(Encoding.ASCII.GetBytes),
    ];

    /// <summary>Damages a file in one to four steps, half of the time in a single one, since a file damaged much is soon refused.</summary>
    /// <param name="random">Decides how.</param>
    /// <param name="content">The file.</param>
    /// <param name="donor">Another file, of which pieces may be taken.</param>
    public static byte[] Apply(SplitMix64 random, byte[] content, byte[] donor)
    {
        for (int steps = random.NextInt32(2) == 0 ? 1 : random.NextInRange(2, MostSteps); steps > 0; steps--)
            content = Step(random, content, donor);
        return content;
    }

    private static byte[] Step(SplitMix64 random, byte[] content, byte[] donor) => content.Length == 0 ? Piece(random, donor) : random.NextInt32(10) switch
    {
        0 or 1 => FlipBits(random, content),
        2 or 3 => SetNumber(random, content),
        4 or 5 => SetNumberText(random, content),
        6 => content[..random.NextInt32(content.Length)],
        7 => Replace(content, Position(random, content), random.NextInt32(MostSplicedBytes), []),
        8 => Replace(content, Position(random, content), random.NextInt32(2) * random.NextInt32(MostSplicedBytes), Piece(random, random.NextInt32(2) == 0 ? donor : content)),
        _ => ExchangeTexts(random, content),
    };

    private static byte[] FlipBits(SplitMix64 random, byte[] content)
    {
        byte[] changed = [.. content];
        for (int flips = 1 << (random.NextInt32(8) / 2); flips > 0; flips--)
            changed[Position(random, content)] ^= (byte)(1 << random.NextInt32(8));
        return changed;
    }

    /// <summary>Writes a number of one to eight bytes, often one at the edge of a type's range, or another of the file's own counts.</summary>
    private static byte[] SetNumber(SplitMix64 random, byte[] content)
    {
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        ulong value = random.NextInt32(4) switch
        {
            0 => random.NextUInt64() >> random.NextInt32(64),
            1 => (ulong)random.NextInt32(content.Length + 64),
            _ => Numbers[random.NextInt32(Numbers.Length)],
        };
        BinaryPrimitives.WriteUInt64LittleEndian(number, value);
        int bytes = 1 << random.NextInt32(4);
        int position = Math.Min(Position(random, content), Math.Max(0, content.Length - bytes));
        byte[] changed = [.. content];
        number[..Math.Min(bytes, content.Length - position)].CopyTo(changed.AsSpan(position));
        return changed;
    }

    /// <summary>Replaces a number in a text.</summary>
    private static byte[] SetNumberText(SplitMix64 random, byte[] content)
    {
        int begin = NextDigit(content, Position(random, content));
        if (begin < 0)
            return FlipBits(random, content);
        int end = begin;
        while (end < content.Length && content[end] is >= (byte)'0' and <= (byte)'9')
            end++;
        return Replace(content, begin, end - begin, NumberTexts[random.NextInt32(NumberTexts.Length)]);
    }

    private static int NextDigit(byte[] content, int from) =>
        content.AsSpan(from).IndexOfAnyInRange((byte)'0', (byte)'9') is var index and >= 0 ? from + index : -1;

    /// <summary>Puts one quoted text of the file in another's place.</summary>
    private static byte[] ExchangeTexts(SplitMix64 random, byte[] content)
    {
        (int at, int length) = QuotedText(content, Position(random, content));
        (int from, int count) = QuotedText(content, Position(random, content));
        return at < 0 || from < 0 ? FlipBits(random, content) : Replace(content, at, length, content.AsSpan(from, count));
    }

    private static (int Start, int Length) QuotedText(byte[] content, int from)
    {
        int open = content.AsSpan(from).IndexOf((byte)'"');
        int close = open < 0 ? -1 : content.AsSpan(from + open + 1).IndexOf((byte)'"');
        return close < 0 ? (-1, 0) : (from + open, close + 2);
    }

    /// <summary>A place in the file; a third of them near its beginning, where headers are.</summary>
    private static int Position(SplitMix64 random, byte[] content) =>
        random.NextInt32(random.NextInt32(3) > 0 ? content.Length : Math.Min(content.Length, HeadBytes));

    private static byte[] Piece(SplitMix64 random, byte[] from)
    {
        int begin = random.NextInt32(from.Length + 1);
        return from.AsSpan(begin, random.NextInt32(Math.Min(MostSplicedBytes, from.Length - begin) + 1)).ToArray();
    }

    private static byte[] Replace(byte[] content, int at, int length, ReadOnlySpan<byte> replacement) =>
        [.. content.AsSpan(0, at), .. replacement, .. content.AsSpan(Math.Min(content.Length, at + length))];
}
