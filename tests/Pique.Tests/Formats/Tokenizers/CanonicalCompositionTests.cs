using Pique.Formats.Tokenizers.Unicode;

namespace Pique.Tests.Formats.Tokenizers;

public sealed class CanonicalCompositionTests
{
    /// <summary>Made with Python 3.13: unicodedata.normalize("NFC", text), Unicode 15.1.</summary>
    [Theory]
    [InlineData("", "")]
    [InlineData("plain text\n", "plain text\n")]
    [InlineData("é", "é")]
    [InlineData("e\u0301", "é")]
    [InlineData("u\u0308\u0304", "ǖ")]
    [InlineData("u\u0304\u0308", "ṻ")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307")]
    [InlineData("d\u0307\u0323", "ḍ\u0307")]
    [InlineData("a\u0327\u0301b\u0301", "á\u0327b\u0301")]
    [InlineData("\u0301e", "\u0301e")]
    [InlineData("\u212B\u2126\u00C5", "ÅΩÅ")]
    [InlineData("\u0958", "\u0915\u093C")]
    [InlineData("\u0344", "\u0308\u0301")]
    [InlineData("\u1112\u1161\u11AB\u1100\u1173\u11AF", "한글")]
    [InlineData("\uAC00\u11A8\u11A8", "각\u11A8")]
    [InlineData("한\u0301", "한\u0301")]
    [InlineData("\u09C7\u09BE\u09C7\u09D7", "\u09CB\u09CC")]
    [InlineData("\uFB1D\uF900\U0002F800", "\u05D9\u05B4豈丽")]
    [InlineData("\U000110A5\U000110BA", "\U000110AB")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165")]
    public void Characters_are_composed_as_Unicode_says(string text, string composed) => Assert.Equal(composed, CanonicalComposition.Compose(text));

    [Fact]
    public void Composing_twice_changes_nothing_more() => CsCheck.Check.Sample(UnicodeText.Generator, text =>
    {
        string composed = CanonicalComposition.Compose(text);
        Assert.Equal(composed, CanonicalComposition.Compose(composed));
    });

    [Fact]
    public void Half_a_surrogate_pair_becomes_the_replacement_character() => Assert.Equal("a\uFFFD", CanonicalComposition.Compose("a\uD800"));
}
