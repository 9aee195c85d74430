using Pique.Numerics;

namespace Pique.Data;

/// <summary>Stories a small child could follow: an opening, one of six plots with a turn, and an ending.</summary>
internal static class StoryGenerator
{
    private static readonly string[] Things = ["ball", "hat", "book", "cup", "boat", "box", "kite", "doll"];
    private static readonly string[] Colors = ["red", "blue", "green", "big", "little", "new", "soft"];
    private static readonly string[] Places = ["park", "garden", "forest", "farm", "school", "house"];
    private static readonly string[] Animals = ["cat", "dog", "bird", "duck", "frog", "cow"];
    private static readonly string[] Food = ["cake", "bun", "pie", "cookie"];

    public static CurriculumRecord Draw(SplitMix64 random)
    {
        (Person hero, Person friend) = Person.DrawTwo(random);
        Cast cast = new(
            hero, friend, random.Pick(Things), random.Pick(Colors), random.Pick(Places), random.Pick(Animals), random.Pick(Food));
        int plot = random.NextInt32(6);
        string middle = plot switch
        {
            0 => LostThing(random, cast),
            1 => SadAnimal(random, cast),
            2 => SharedFood(random, cast),
            3 => Rain(random, cast),
            4 => Gift(random, cast),
            _ => NewSkill(random, cast),
        };
        string key = $"story {plot} {hero.Name} {friend.Name} {cast.Thing} {cast.Color} {cast.Place} {cast.Animal} {cast.Food}";
        return new CurriculumRecord(new DataRecord.Text($"{Opening(random, cast)} {middle} {Ending(random, cast)}"), key);
    }

    private static string Opening(SplitMix64 random, Cast cast)
    {
        string kind = cast.Hero.Subject == "he" ? "boy" : "girl";
        string name = cast.Hero.Name;
        string first = random.Pick(
            $"Once upon a time, there was a little {kind} named {name}.",
            $"One day, a little {kind} named {name} went to the {cast.Place}.",
            $"There was a {kind} named {name} who lived near a {cast.Place}.");
        string second = random.Pick(
            $"{name} had a {cast.Color} {cast.Thing} and a {cast.Animal}.",
            $"{cast.Hero.SubjectCapital} loved {cast.Hero.Possessive} {cast.Animal} and {cast.Hero.Possessive} {cast.Color} {cast.Thing}.",
            $"{cast.Hero.SubjectCapital} liked to play with a {cast.Color} {cast.Thing} and a {cast.Animal}.");
        return $"{first} {second}";
    }

    private static string LostThing(SplitMix64 random, Cast cast) =>
        $"At the {cast.Place}, {cast.Hero.Name} lost the {cast.Thing}. "
        + random.Pick($"{He(cast)} looked under a tree, but it was not there. ", $"{He(cast)} looked and looked, but {cast.Hero.Subject} could not find it. ")
        + $"Then {cast.Friend.Name} came with an old bag of {cast.Food}s and saw {cast.Hero.Object} cry. "
        + random.Pick($"\"I will help you,\" said {cast.Friend.Name}. ", $"{cast.Friend.Name} said, \"Do not be sad.\" ")
        + random.Pick($"The {cast.Animal} ran to a big tree and found the {cast.Thing}.", $"They saw the {cast.Animal} play with the {cast.Color} {cast.Thing}.");

    private static string SadAnimal(SplitMix64 random, Cast cast) =>
        random.Pick($"One day, the {cast.Animal} was very sad. ", $"Then the {cast.Animal} fell and could not walk. ")
        + $"{cast.Hero.Name} did not know what to do, so {cast.Hero.Subject} went to {cast.Friend.Name} at the {cast.Place}. "
        + random.Pick($"\"Please help us,\" {cast.Hero.Subject} said. ", $"\"Can you help?\" asked {cast.Hero.Name}. ")
        + $"{cast.Friend.Name} gave the {cast.Animal} a {cast.Food} to eat. "
        + random.Pick($"Soon the {cast.Animal} could run and jump again.", $"The {cast.Animal} ate it all and was happy again.");

    private static string SharedFood(SplitMix64 random, Cast cast) =>
        $"{cast.Hero.Name}'s mom made {random.Pick("a big", "a very good")} {cast.Food} for {cast.Hero.Object}. "
        + $"At the {cast.Place}, {cast.Friend.Name} was sad and had nothing to eat. "
        + random.Pick($"{cast.Hero.Name} wanted to eat it all, but then {cast.Hero.Subject} had an idea. ", $"{cast.Hero.Name} looked at the {cast.Food} and then at {cast.Friend.Name}. ")
        + random.Pick($"\"Let us share,\" said {cast.Hero.Name}. ", $"\"You can have some,\" {cast.Hero.Subject} said. ")
        + $"They ate the {cast.Food} and gave a little to the {cast.Animal}.";

    private static string Rain(SplitMix64 random, Cast cast) =>
        $"{cast.Hero.Name} and {cast.Friend.Name} played at the {cast.Place}. "
        + random.Pick("Then it started to rain. ", "Soon the sun went away and the rain came. ")
        + random.Pick($"The {cast.Thing} was wet and the {cast.Animal} was cold. ", $"The {cast.Animal} ran under a tree and the {cast.Thing} got wet. ")
        + random.Pick($"\"Let us go home,\" said {cast.Friend.Name}. ", $"{cast.Hero.Name} said, \"I know what to do.\" ")
        + $"At home they ate a warm {cast.Food} and looked at the rain.";

    private static string Gift(SplitMix64 random, Cast cast) =>
        random.Pick($"It was {cast.Friend.Name}'s big day. ", $"{cast.Friend.Name} was at home and could not play. ")
        + $"{cast.Hero.Name} wanted to give {cast.Friend.Object} {random.Pick("something nice", "a gift")}. "
        + $"First {cast.Hero.Subject} looked at the {cast.Place}, but {cast.Hero.Subject} found only {random.Pick("a stone", "an old stick")}. "
        + $"Then {cast.Hero.Name} put the {cast.Thing} and a {cast.Food} in a bag. "
        + random.Pick($"\"This is for you and the {cast.Animal},\" {cast.Hero.Subject} said.", $"{cast.Friend.Name} saw the gift and jumped like a {cast.Animal}.");

    private static string NewSkill(SplitMix64 random, Cast cast)
    {
        string skill = random.Pick("swim", "sing", "jump", "dance");
        return $"One day at the {cast.Place}, {cast.Hero.Name} wanted to {skill} like the {cast.Animal}. "
            + random.Pick($"{He(cast)} tried, but {cast.Hero.Subject} could not do it. ", "It was very hard. ")
            + $"\"Try again,\" said {cast.Friend.Name}. "
            + $"{cast.Hero.Name} ate a {cast.Food} and tried again and again. "
            + random.Pick($"At last {cast.Hero.Subject} could {skill} very well.", $"Soon {cast.Hero.Name} could {skill} all day.");
    }

    private static string Ending(SplitMix64 random, Cast cast) => random.Pick(
        $"{cast.Hero.Name} and {cast.Friend.Name} were happy.",
        $"{cast.Hero.Name} said, \"Thank you, {cast.Friend.Name}!\" They were good friends.",
        $"From that day on, {cast.Hero.Name} and {cast.Friend.Name} played every day.",
        $"They laughed and went home. It was a good day.");

    private static string He(Cast cast) => cast.Hero.SubjectCapital;

    private sealed record Cast(Person Hero, Person Friend, string Thing, string Color, string Place, string Animal, string Food);
}
