using System.Text;

namespace Pique.Formats.Tokenizers.Unicode;

/// <summary>Unicode normalization form C: marks join the letters they belong to wherever one character stands for both.</summary>
/// <remarks>The Unicode Standard, chapter 3.11 and 3.12 (Hangul); Unicode Standard Annex 15.</remarks>
internal static class CanonicalComposition
{
    /// <summary>Below it every character is in form C, and none joins the one before it.</summary>
    private const char FirstThatMatters = '\u0300';

    private const int HangulBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TrailCount = 28;
    private const int SyllableCount = LeadCount * VowelCount * TrailCount;

    /// <summary>Composes a text; half surrogate pairs become U+FFFD.</summary>
    public static string Compose(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange(FirstThatMatters, char.MaxValue))
            return text;
        List<Rune> runes = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            Decompose(rune, runes);
        Order(runes);
        Join(runes);
        StringBuilder composed = new(text.Length);
        foreach (Rune rune in runes)
            composed.Append(rune);
        return composed.ToString();
    }

    private static void Decompose(Rune rune, List<Rune> runes)
    {
        int syllable = rune.Value - HangulBase;
        if (syllable is >= 0 and < SyllableCount)
        {
            runes.Add(new Rune(LeadBase + (syllable / (VowelCount * TrailCount))));
            runes.Add(new Rune(VowelBase + (syllable / TrailCount % VowelCount)));
            if (syllable % TrailCount is > 0 and int trail)
                runes.Add(new Rune(TrailBase + trail));
            return;
        }
        if (CanonicalMappings.Decomposition(rune) is not { } parts)
        {
            runes.Add(rune);
            return;
        }
        foreach (Rune part in parts.EnumerateRunes())
            Decompose(part, runes);
    }

    /// <summary>Sorts each run of marks by class, marks of one class staying in their order.</summary>
    private static void Order(List<Rune> runes)
    {
        for (int start = 0; start < runes.Count;)
        {
            int end = start;
            while (end < runes.Count && CanonicalMappings.CombiningClass(runes[end]) != 0)
                end++;
            if (end - start > 1)
            {
                Rune[] sorted = [.. runes[start..end].OrderBy(CanonicalMappings.CombiningClass)];
                for (int index = 0; index < sorted.Length; index++)
                    runes[start + index] = sorted[index];
            }
            start = end + 1;
        }
    }

    /// <summary>Joins each character with the last one that begins a sequence, unless another of its class or none stands between.</summary>
    private static void Join(List<Rune> runes)
    {
        int starter = -1;
        int count = 0;
        byte lastClass = 0;
        foreach (Rune rune in runes.ToArray())
        {
            byte combiningClass = CanonicalMappings.CombiningClass(rune);
            bool adjacent = starter == count - 1;
            if (starter >= 0 && (adjacent || (lastClass != 0 && lastClass < combiningClass)) && Pair(runes[starter], rune) is { } composed)
            {
                runes[starter] = composed;
                continue;
            }
            if (combiningClass == 0)
                starter = count;
            lastClass = combiningClass;
            runes[count++] = rune;
        }
        runes.RemoveRange(count, runes.Count - count);
    }

    private static Rune? Pair(Rune first, Rune second)
    {
        int lead = first.Value - LeadBase;
        int vowel = second.Value - VowelBase;
        if (lead is >= 0 and < LeadCount && vowel is >= 0 and < VowelCount)
            return new Rune(HangulBase + (((lead * VowelCount) + vowel) * TrailCount));
        int syllable = first.Value - HangulBase;
        int trail = second.Value - TrailBase;
        if (syllable is >= 0 and < SyllableCount && syllable % TrailCount == 0 && trail is > 0 and < TrailCount)
            return new Rune(first.Value + trail);
        return CanonicalMappings.Composition(first, second);
    }
}
