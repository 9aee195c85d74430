using System.Diagnostics;
using System.Text.RegularExpressions;
using Pique.Reporting;

namespace Pique.Tests.Reporting;

public partial class HtmlReportTests
{
    private const string Browser = "/usr/bin/chromium";

    private static readonly RunReport Report = new()
    {
        Title = "Pique: <tiny> & co",
        Choices = [("model", "models/<script>alert(1)</script>"), ("loss", "task 1, \"quoted\"")],
        Scores = [Scores.Teacher, Scores.Rounded, Scores.Trained],
        Losses = [("loss", [3, double.NaN, 2]), ("kd_loss", [0, 0, 0])],
        Layers = [new("model.layers.0.mlp.up_proj", [24, 16], 3, "half-integer", 4, 13.456)],
    };

    /// <summary>The file was written by <see cref="HtmlReport.Render"/> and read through by eye; the picture is cut out of it.</summary>
    [Fact]
    public void The_page_has_verdict_scores_plot_choices_and_layers()
    {
        string golden = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Reporting", "Golden", "report.html"));

        Assert.Equal(golden, Picture().Replace(HtmlReport.Render(Report), "<svg/>"));
    }

    [Fact]
    public void A_run_that_made_it_worse_is_marked() => Assert.Contains(
        "<p class=\"verdict worse\">Quality got worse: ",
        HtmlReport.Render(Report with { Scores = [Scores.Teacher, Scores.Rounded] }),
        StringComparison.Ordinal);

    [Fact]
    public void Texts_are_escaped()
    {
        string page = HtmlReport.Render(Report);

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<tiny>", page, StringComparison.Ordinal);
        Assert.Contains("Pique: &lt;tiny&gt; &amp; co", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_refers_to_nothing_outside()
    {
        string page = HtmlReport.Render(Report);

        Assert.Equal(["http://www.w3.org/2000/svg"], Address().Matches(page).Select(match => match.Value).Distinct());
        Assert.DoesNotMatch("(?i)<(link|script|img|iframe|object|embed)|@import|\\ssrc=|url\\((?!#)|href=\"(?!#)", page);
    }

    [Fact]
    public async Task A_browser_shows_the_page()
    {
        Assert.SkipUnless(File.Exists(Browser), $"{Browser} is not installed");
        using TemporaryFolder folder = new();
        await File.WriteAllTextAsync(folder.File("report.html"), HtmlReport.Render(Report), TestContext.Current.CancellationToken);
        ProcessStartInfo start = new(Browser, ["--headless", "--no-sandbox", "--disable-gpu", $"--user-data-dir={folder.File("profile")}", "--dump-dom", folder.File("report.html")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string page = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(process.ExitCode == 0, await errors);
        Assert.Equal(3, Regex.Count(page, "<tbody>"));
        Assert.Equal(1, Regex.Count(page, "<svg"));
        Assert.EndsWith("</body></html>", page.TrimEnd(), StringComparison.Ordinal);
    }

    [GeneratedRegex("<svg.*</svg>", RegexOptions.Singleline)]
    private static partial Regex Picture();

    [GeneratedRegex("[a-z]+://[^\"'<>\\s]+", RegexOptions.IgnoreCase)]
    private static partial Regex Address();
}
