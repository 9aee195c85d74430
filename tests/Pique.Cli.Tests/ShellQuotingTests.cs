namespace Pique.Cli.Tests;

public class ShellQuotingTests
{
    [Theory]
    [InlineData("--out", "--out")]
    [InlineData("run 1", "'run 1'")]
    [InlineData("", "''")]
    [InlineData("it's", "'it'\\''s'")]
    [InlineData("$HOME", "'$HOME'")]
    public void Arguments_are_quoted_where_a_shell_would_change_them(string argument, string expected) =>
        Assert.Equal(expected, ShellQuoting.Quote(argument));
}
