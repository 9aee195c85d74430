using System.Globalization;
using Pique.Numerics;

namespace Pique.Data;

/// <summary>
/// Arithmetic word problems of two or three operations. Every intermediate result is written down, is at least 2 (so that
/// plurals are right) and at most 99.
/// </summary>
internal static class ProblemGenerator
{
    private const int LargestStart = 30;
    private const int LargestChange = 12;
    private const int SmallestResult = 2;
    private const int LargestResult = 99;

    public static CurriculumRecord Draw(SplitMix64 random)
    {
        // Comparisons have a fixed shape; everything else is an opening, two or three changes and a question.
        if (random.NextInt32(10) == 0)
        {
            return DrawComparison(random);
        }

        ProblemWorld world = ProblemWorld.Draw(random);
        List<string> sentences = [];
        List<string> steps = [];
        int value;
        string key;
        int changes;
        if (random.NextInt32(4) == 0)
        {
            int groups = random.NextInRange(2, 5);
            int each = random.NextInRange(2, 9);
            value = groups * each;
            key = Invariant($"{groups}*{each}");
            sentences.Add(world.OpenWithGroups(groups, each));
            steps.Add(Invariant($"{groups} * {each} = {value}."));
            changes = random.NextInt32(3) == 0 ? 2 : 1;
        }
        else
        {
            value = random.NextInRange(3, LargestStart);
            key = Invariant($"{value}");
            sentences.Add(world.Open(value));
            changes = random.NextInt32(10) < 3 ? 3 : 2;
        }

        for (int change = 0; change < changes; change++)
        {
            int mostTaken = Math.Min(LargestChange, value - SmallestResult);
            bool adds = mostTaken < 2 || (random.NextInt32(2) == 0 && value + LargestChange <= LargestResult);
            int amount = random.NextInRange(2, adds ? LargestChange : mostTaken);
            int result = adds ? value + amount : value - amount;
            char sign = adds ? '+' : '-';
            sentences.Add(adds ? world.Add(random, amount) : world.Take(random, amount));
            steps.Add(Invariant($"{value} {sign} {amount} = {result}."));
            key += Invariant($"{sign}{amount}");
            value = result;
        }

        sentences.Add(world.Question);
        steps.Add(world.Conclude(value));
        return new CurriculumRecord(
            new DataRecord.Reasoning(string.Join(' ', sentences), steps, Invariant($"{value}")), "problem " + key);
    }

    private static CurriculumRecord DrawComparison(SplitMix64 random)
    {
        (Person first, Person second) = Person.DrawTwo(random);
        string items = random.Pick(ProblemWorld.Items);
        int own = random.NextInRange(3, 12);
        int more = random.NextInRange(2, 9);
        int others = own + more;
        string prompt = random.NextInt32(2) == 0
            ? Invariant($"{first.Name} has {own} {items}. {second.Name} has {more} more than {first.Name}. How many {items} do they have?")
            : Invariant($"{second.Name} has {more} more {items} than {first.Name}. {first.Name} has {own}. How many {items} do they have?");
        string[] steps =
        [
            Invariant($"{own} + {more} = {others}."),
            Invariant($"{own} + {others} = {own + others}."),
            Invariant($"They have {own + others} {items}."),
        ];
        return new CurriculumRecord(
            new DataRecord.Reasoning(prompt, steps, Invariant($"{own + others}")), Invariant($"problem {own} and {more} more"));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
