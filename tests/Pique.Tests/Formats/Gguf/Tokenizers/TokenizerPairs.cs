using System.Globalization;
using Pique.Formats;

namespace Pique.Tests.Formats.Gguf.Tokenizers;

/// <summary>Compares a tokenizer with texts and their token ids, the ids of each text on a line.</summary>
internal static class TokenizerPairs
{
    /// <summary>Compares all pairs.</summary>
    /// <param name="tokenizer">Tokenizer.</param>
    /// <param name="texts">Texts.</param>
    /// <param name="lines">Their ids.</param>
    public static void Check(ITextTokenizer tokenizer, IReadOnlyList<string> texts, IReadOnlyList<string> lines)
    {
        Assert.Equal(lines.Count, texts.Count);
        for (int i = 0; i < texts.Count; i++)
            Assert.Equal($"{i}: {lines[i].Trim()}", $"{i}: {string.Join(' ', tokenizer.Encode(texts[i]).Select(id => id.ToString(CultureInfo.InvariantCulture)))}");
    }
}
