using System.Text;
using System.Text.Json;
using Pique.Formats;

namespace Pique.Tests.Formats;

public sealed class StrictJsonTests
{
    [Theory]
    [InlineData("""{"a":"\u00e9 \ud83d\ude42 \"","é":[1.5e3,true,null]}""")]
    [InlineData(" [] ")]
    public void Valid_text_is_parsed(string json)
    {
        using JsonDocument document = StrictJson.Parse(Encoding.UTF8.GetBytes(json));

        Assert.Equal(json.Trim(), document.RootElement.GetRawText());
    }

    [Theory]
    [InlineData("""{"a":"\ud800"}""", "a text that is no valid Unicode at byte 5")]
    [InlineData("""{"\udc00":1}""", "a text that is no valid Unicode at byte 1")]
    [InlineData("""["x","\ud800\ud800"]""", "a text that is no valid Unicode at byte 5")]
    [InlineData("""{"a":1,"a":2}""", "Duplicate property 'a' encountered during deserialization.")]
    public void Text_that_a_document_would_stumble_over_later_is_refused(string json, string expected) =>
        Assert.Equal(expected, Assert.Throws<JsonException>(() => StrictJson.Parse(Encoding.UTF8.GetBytes(json))).Message);

    [Fact]
    public void Bytes_that_are_no_utf8_are_refused() =>
        Assert.Equal("a text that is no valid Unicode at byte 1", Assert.Throws<JsonException>(() => StrictJson.Parse(Encoding.Latin1.GetBytes("[\"ÿ\"]"))).Message);

    [Fact]
    public void A_long_name_that_is_there_twice_is_told_shortly()
    {
        string name = new string('n', 100_000) + "\u001b";
        string text = "{" + JsonSerializer.Serialize(name) + ":1," + JsonSerializer.Serialize(name) + ":2}";

        string message = Assert.Throws<JsonException>(() => StrictJson.Parse(Encoding.UTF8.GetBytes(text))).Message;

        Assert.InRange(message.Length, 1, 200);
        Assert.DoesNotContain('\u001b', message);
    }

    [Fact]
    public void More_tokens_than_allowed_are_refused()
    {
        StrictJson.Check("[1,2]"u8, mostTokens: 4);

        Assert.Equal("more than 3 tokens, which no model needs", Assert.Throws<JsonException>(() => StrictJson.Check("[1,2]"u8, mostTokens: 3)).Message);
    }
}
