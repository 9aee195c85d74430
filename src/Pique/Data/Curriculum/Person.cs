using Pique.Numerics;

namespace Pique.Data;

/// <summary>Somebody the curriculum speaks of.</summary>
/// <param name="Name">First name.</param>
/// <param name="Subject">Pronoun as a subject: he, she.</param>
/// <param name="Object">Pronoun as an object: him, her.</param>
/// <param name="Possessive">Possessive pronoun: his, her.</param>
internal sealed record Person(string Name, string Subject, string Object, string Possessive)
{
    private static readonly Person[] Everybody =
    [
        Boy("Tom"), Boy("Ben"), Boy("Sam"), Boy("Max"), Boy("Tim"), Boy("Jack"),
        Girl("Ann"), Girl("Mia"), Girl("Lily"), Girl("Sue"), Girl("Lucy"), Girl("Eva"),
    ];

    /// <summary>Pronoun that opens a sentence: He, She.</summary>
    public string SubjectCapital => char.ToUpperInvariant(Subject[0]) + Subject[1..];

    /// <summary>Draws a person.</summary>
    public static Person Draw(SplitMix64 random) => random.Pick(Everybody);

    /// <summary>Draws two different people.</summary>
    public static (Person First, Person Second) DrawTwo(SplitMix64 random)
    {
        int first = random.NextInt32(Everybody.Length);
        int second = random.NextInt32(Everybody.Length - 1);
        return (Everybody[first], Everybody[second < first ? second : second + 1]);
    }

    private static Person Boy(string name) => new(name, "he", "him", "his");

    private static Person Girl(string name) => new(name, "she", "her", "her");
}
