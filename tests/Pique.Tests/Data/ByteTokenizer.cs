using System.Text;
using Pique.Formats;

namespace Pique.Tests.Data;

/// <summary>A token a byte, then begin and end; optionally a dummy prefix space and an unknown token for what is not ASCII, or a character refused.</summary>
internal sealed class ByteTokenizer(bool prefixSpace = false, bool asciiOnly = false, bool marks = true, char? refuses = null) : ITextTokenizer
{
    public const int Begin = 256;
    public const int End = 257;
    public const int Unknown = 258;

    public int VocabularySize => 259;

    public int? BeginOfTextId => marks ? Begin : null;

    public int? EndOfTextId => marks ? End : null;

    public int? UnknownId => asciiOnly ? Unknown : null;

    public IReadOnlyList<int> Encode(string text, bool continuation = false) => refuses is char refused && text.Contains(refused)
        ? throw new InputException($"text: no token for '{refused}'.")
        : [.. Encoding.UTF8.GetBytes(prefixSpace && !continuation ? " " + text : text).Select(value => asciiOnly && value > 127 ? Unknown : value)];

    public string Decode(IReadOnlyList<int> tokenIds, bool continuation = false)
    {
        string text = Encoding.UTF8.GetString([.. tokenIds.Where(id => id < 256).Select(id => (byte)id)]);
        return prefixSpace && !continuation && text.StartsWith(' ') ? text[1..] : text;
    }
}
