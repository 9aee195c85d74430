using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>A character has no token, and the vocabulary no unknown token. Never leaves the tokenizer: it becomes an <see cref="InputException"/> that knows the place.</summary>
internal sealed class UnknownCharacterException(Rune character) : Exception($"No token for U+{character.Value:X4}.")
{
    /// <summary>The character.</summary>
    public Rune Character { get; } = character;
}
