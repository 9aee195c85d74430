using Pique.Formats;

namespace Pique.Cli.Tests;

public class IncrementalDecoderTests
{
    [Fact]
    public void A_character_of_several_tokens_appears_once_it_is_whole()
    {
        using TemporaryFolder folder = new();
        using LoadedModel model = ModelLoader.Load(TinyModel.Save(folder.Of("model")));
        IReadOnlyList<int> tokens = model.Tokenizer.Encode("x€y");
        var decoder = new IncrementalDecoder(model.Tokenizer, continuation: true);

        string[] parts = [.. tokens.Select(decoder.Add)];

        Assert.Equal(["x", "", "", "€", "y"], parts);
        Assert.Equal("", decoder.Finish());
    }

    [Fact]
    public void What_never_becomes_whole_is_shown_at_the_end()
    {
        using TemporaryFolder folder = new();
        using LoadedModel model = ModelLoader.Load(TinyModel.Save(folder.Of("model")));
        var decoder = new IncrementalDecoder(model.Tokenizer, continuation: true);

        string shown = string.Concat(model.Tokenizer.Encode("x€").SkipLast(1).Select(decoder.Add));

        Assert.Equal("x", shown);
        Assert.Contains('\uFFFD', decoder.Finish());
    }
}
