using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class ConfigurationSourceTests
{
    public static TheoryData<string> PresetNames => [.. Presets.Names];

    [Theory]
    [MemberData(nameof(PresetNames))]
    public void Every_preset_is_valid_and_found_in_any_case(string name)
    {
        QatConfig config = Assert.IsType<ConfigurationSource.Bare>(ConfigurationSource.Resolve(name.ToUpperInvariant())).Config;
        Assert.Empty(config.Validate());
        Assert.True(Presets.TryGet(name, out QatConfig? byName));
        Assert.Equal(byName, config);
    }

    [Fact]
    public void Presets_are_those_documented()
    {
        Assert.Equal(["default", "piq3", "piq2", "bits2", "bits3", "bits4", "bits5", "bits8"], Presets.Names);
        Assert.Equal(new ConfigurationSource.Bare(QatConfig.PiQ3), ConfigurationSource.Resolve("piq3"));
        Assert.False(Presets.TryGet("bits6", out _));
    }

    [Fact]
    public void A_name_that_is_neither_preset_nor_file_is_told_the_nearest_preset()
    {
        InputException error = Assert.Throws<InputException>(() => ConfigurationSource.Resolve("pq3"));
        Assert.Equal("\"pq3\" is neither a preset nor a file; the presets are default, piq3, piq2, bits2, bits3, bits4, bits5, bits8. Write piq3, or the path of a configuration file.", error.Message);
    }
}
