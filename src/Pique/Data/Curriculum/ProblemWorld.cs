using Pique.Numerics;

namespace Pique.Data;

/// <summary>Where a word problem plays: its sentences, to be filled with numbers.</summary>
internal sealed class ProblemWorld
{
    public static readonly string[] Items = ["apples", "pens", "books", "balls", "cups", "hats", "cards", "stones"];
    private static readonly string[] Animals = ["birds", "cats", "dogs", "ducks", "frogs", "cows"];
    private static readonly string[] Places = ["park", "garden", "forest", "farm"];
    private static readonly string[] Food = ["cakes", "buns", "pies"];

    private readonly string _open;
    private readonly string _openWithGroups;
    private readonly string[] _adds;
    private readonly string[] _takes;
    private readonly string _conclusion;

    private ProblemWorld(string open, string openWithGroups, string[] adds, string[] takes, string question, string conclusion)
    {
        _open = open;
        _openWithGroups = openWithGroups;
        _adds = adds;
        _takes = takes;
        Question = question;
        _conclusion = conclusion;
    }

    public string Question { get; }

    public static ProblemWorld Draw(SplitMix64 random) => random.NextInt32(8) switch
    {
        0 or 1 or 2 => Belongings(random),
        3 or 4 => Visitors(random),
        5 => Bus(random),
        6 => Purse(random),
        _ => Bakery(random),
    };

    public string Open(int count) => Fill(_open, count);

    public string OpenWithGroups(int groups, int each) => Fill(_openWithGroups, groups).Replace("@", Number(each), StringComparison.Ordinal);

    public string Add(SplitMix64 random, int amount) => Fill(random.Pick(_adds), amount);

    public string Take(SplitMix64 random, int amount) => Fill(random.Pick(_takes), amount);

    public string Conclude(int result) => Fill(_conclusion, result);

    private static ProblemWorld Belongings(SplitMix64 random)
    {
        (Person owner, Person friend) = Person.DrawTwo(random);
        string items = random.Pick(Items);
        string holder = random.Pick("bags", "boxes");
        string he = owner.SubjectCapital;
        return new ProblemWorld(
            $"{owner.Name} has # {items}.",
            $"{owner.Name} has # {holder} with @ {items} each.",
            [$"{he} buys # more.", $"{he} finds # more.", $"{he} gets # more from {friend.Name}.", $"{friend.Name} gives {owner.Object} # more."],
            [$"{he} gives # to {friend.Name}.", $"{he} loses #.", $"{he} sells #.", $"{friend.Name} takes #."],
            random.Pick($"How many {items} does {owner.Name} have now?", $"How many {items} does {owner.Subject} have?"),
            $"{owner.Name} has # {items}.");
    }

    private static ProblemWorld Visitors(SplitMix64 random)
    {
        string animals = random.Pick(Animals);
        string place = random.Pick(Places);
        return new ProblemWorld(
            $"There are # {animals} in the {place}.",
            $"There are # groups of @ {animals} in the {place}.",
            ["# more come.", "Then # more come.", "# more run in."],
            ["# go home.", "Then # go away.", "# run away."],
            random.Pick($"How many {animals} are there now?", $"How many {animals} are in the {place}?"),
            $"There are # {animals}.");
    }

    private static ProblemWorld Bus(SplitMix64 random)
    {
        string vehicle = random.Pick("bus", "train", "boat");
        return new ProblemWorld(
            $"A {vehicle} has # people.",
            $"A {vehicle} has # rows with @ people each.",
            ["# more get on.", "Then # get on."],
            ["# get off.", "Then # get off."],
            $"How many people are on the {vehicle} now?",
            $"The {vehicle} has # people.");
    }

    private static ProblemWorld Purse(SplitMix64 random)
    {
        (Person owner, Person friend) = Person.DrawTwo(random);
        string he = owner.SubjectCapital;
        string goods = random.Pick("hat", "book", "ball", "cake");
        return new ProblemWorld(
            $"{owner.Name} has # coins.",
            $"{owner.Name} gets # coins a day for @ days.",
            [$"{he} finds # more.", $"{friend.Name} gives {owner.Object} #.", $"{he} gets # for {owner.Possessive} help."],
            [$"{he} pays # for a {goods}.", $"{he} gives # to {friend.Name}.", $"{he} loses #."],
            $"How many coins does {owner.Name} have now?",
            $"{owner.Name} has # coins.");
    }

    private static ProblemWorld Bakery(SplitMix64 random)
    {
        (Person baker, Person friend) = Person.DrawTwo(random);
        string food = random.Pick(Food);
        string he = baker.SubjectCapital;
        return new ProblemWorld(
            $"{baker.Name} makes # {food}.",
            $"{baker.Name} makes # boxes with @ {food} each.",
            [$"{he} makes # more.", $"{friend.Name} makes # more."],
            [$"{he} sells #.", $"{friend.Name} eats #.", $"The kids eat #."],
            $"How many {food} are left?",
            $"There are # {food} left.");
    }

    private static string Fill(string sentence, int number) => sentence.Replace("#", Number(number), StringComparison.Ordinal);

    private static string Number(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
