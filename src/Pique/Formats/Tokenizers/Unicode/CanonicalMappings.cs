using System.Globalization;
using System.Text;

namespace Pique.Formats.Tokenizers.Unicode;

/// <summary>What characters are composed of, and the order of marks: the Unicode data behind <see cref="CanonicalComposition"/>.</summary>
/// <remarks>Read from a resource because the .NET runtime leaves text as it is where it runs without culture data, as this project does.</remarks>
internal static class CanonicalMappings
{
    private const string Resource = "Pique.Formats.Tokenizers.Unicode.CanonicalMappings.txt";

    private static readonly Dictionary<int, string> DecompositionByCode = [];

    private static readonly Dictionary<(int First, int Second), int> CompositionByPair = [];

    private static readonly Dictionary<int, byte> ClassByCode = [];

    static CanonicalMappings()
    {
        using StreamReader reader = new(typeof(CanonicalMappings).Assembly.GetManifestResourceStream(Resource)!);
        while (reader.ReadLine() is { } line)
        {
            foreach (string entry in line.StartsWith('#') ? [] : line.Split(' '))
                Add(entry);
        }
    }

    /// <summary>One step of a character's canonical decomposition, or null where it has none.</summary>
    public static string? Decomposition(Rune rune) => DecompositionByCode.GetValueOrDefault(rune.Value);

    /// <summary>The character that two others compose, or null.</summary>
    public static Rune? Composition(Rune first, Rune second) => CompositionByPair.TryGetValue((first.Value, second.Value), out int composed) ? new Rune(composed) : null;

    /// <summary>Canonical combining class: 0 for characters that begin a sequence, else the place in the order of marks.</summary>
    public static byte CombiningClass(Rune rune) => ClassByCode.GetValueOrDefault(rune.Value);

    private static void Add(string entry)
    {
        int equals = entry.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            string[] range = entry.Split('-', ':');
            byte combiningClass = byte.Parse(range[2], CultureInfo.InvariantCulture);
            for (int code = Code(range[0]); code <= Code(range[1]); code++)
                ClassByCode.Add(code, combiningClass);
            return;
        }
        bool excluded = entry[equals - 1] == '!';
        int composed = Code(entry[..(excluded ? equals - 1 : equals)]);
        int[] parts = [.. entry[(equals + 1)..].Split('+').Select(Code)];
        DecompositionByCode.Add(composed, string.Concat(parts.Select(char.ConvertFromUtf32)));
        if (parts.Length == 2 && !excluded)
            CompositionByPair.Add((parts[0], parts[1]), composed);
    }

    private static int Code(string hexadecimal) => int.Parse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
