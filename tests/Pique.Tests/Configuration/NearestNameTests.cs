using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class NearestNameTests
{
    [Theory]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "", 3)]
    [InlineData("same", "same", 0)]
    public void Distance_is_levenshteins(string from, string to, int distance) => Assert.Equal(distance, NearestName.Distance(from, to));

    [Fact]
    public void The_nearest_is_found_whatever_the_case()
    {
        Assert.Equal("grad_clip", NearestName.Of("GradClip", ["bits", "grad_clip", "epochs"]));
        Assert.Null(NearestName.Of("bits", []));
        Assert.Null(NearestName.Of(new string('x', 65), ["bits"]));
    }
}
