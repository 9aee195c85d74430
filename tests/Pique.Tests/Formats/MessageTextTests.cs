using Pique.Formats;

namespace Pique.Tests.Formats;

public sealed class MessageTextTests
{
    [Theory]
    [InlineData("model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight")]
    [InlineData("größe ▁", "größe ▁")]
    [InlineData("", "")]
    [InlineData("\u001b[2J\r\n", "\\u001B[2J\\u000D\\u000A")]
    [InlineData("a\u009bb\u202ec\u2028\ue000", "a\\u009Bb\\u202Ec\\u2028\\uE000")]
    [InlineData("🙂", "\\uD83D\\uDE42")]
    public void A_name_is_shown_without_what_a_terminal_obeys(string name, string shown) => Assert.Equal(shown, MessageText.Name(name));

    [Fact]
    public void Half_a_surrogate_pair_is_shown_as_its_number() => Assert.Equal("a\\uD800", MessageText.Name("a\ud800"));

    [Fact]
    public void A_long_name_is_shown_by_its_beginning()
    {
        Assert.Equal(new string('n', 120), MessageText.Name(new string('n', 120)));
        Assert.Equal(new string('n', 120) + "… (1000000 characters)", MessageText.Name(new string('n', 1_000_000)));
    }

    [Fact]
    public void A_long_list_is_shown_by_its_first()
    {
        string[] names = [.. Enumerable.Range(0, 25).Select(index => $"n{index}")];

        Assert.Equal("n0, n1", MessageText.List(names[..2]));
        Assert.Equal(string.Join(", ", names[..20]), MessageText.Join(names[..20]));
        Assert.Equal(string.Join(", ", names[..20]) + " and 5 more", MessageText.List(names));
        Assert.Equal("a\\u0007, b", MessageText.List(["a\u0007", "b"]));
    }
}
