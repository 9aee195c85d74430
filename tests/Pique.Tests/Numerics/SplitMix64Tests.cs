using Pique.Numerics;

namespace Pique.Tests.Numerics;

public sealed class SplitMix64Tests
{
    [Fact]
    public void Words_are_those_of_the_published_generator()
    {
        // Vigna's splitmix64.c, state 1234567.
        SplitMix64 random = new(1234567);
        Assert.Equal(
            [6457827717110365317UL, 3203168211198807973UL, 9817491932198370423UL, 4593380528125082431UL, 16408922859458223821UL],
            [random.NextUInt64(), random.NextUInt64(), random.NextUInt64(), random.NextUInt64(), random.NextUInt64()]);
    }

    [Fact]
    public void A_word_is_known_by_its_place()
    {
        SplitMix64 random = SplitMix64.ForStream(3, 4);
        ulong state = random.State;
        Assert.All(Enumerable.Range(0, 20), place => Assert.Equal(random.NextUInt64(), SplitMix64.Word(state, place)));
    }

    [Fact]
    public void Bounded_numbers_are_evenly_spread()
    {
        SplitMix64 random = new(5);
        int[] counts = new int[6];
        for (int draw = 0; draw < 60_000; draw++)
        {
            counts[random.NextInt32(6)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 9_600, 10_400));
    }

    [Fact]
    public void Streams_differ_by_every_key_and_by_their_order()
    {
        ulong[] firstWords =
        [
            SplitMix64.ForStream(1, 2).NextUInt64(),
            SplitMix64.ForStream(2, 1).NextUInt64(),
            SplitMix64.ForStream(1, 2, 0).NextUInt64(),
            SplitMix64.ForStream(0, 1, 2).NextUInt64(),
            SplitMix64.ForStream(1, 3).NextUInt64(),
        ];
        Assert.Equal(firstWords.Length, firstWords.Distinct().Count());
    }

    [Fact]
    public void A_shuffle_keeps_every_item_and_reaches_every_order()
    {
        HashSet<string> orders = [];
        for (int seed = 0; seed < 200; seed++)
        {
            char[] items = ['a', 'b', 'c'];
            new SplitMix64(seed).Shuffle<char>(items);
            orders.Add(new string(items));
        }

        Assert.Equal(["abc", "acb", "bac", "bca", "cab", "cba"], orders.Order(StringComparer.Ordinal));
    }
}
