using Pique.Training;

namespace Pique.Tests.Training;

public sealed class DirectorySyncTests
{
    /// <summary>fsync of a folder of procfs fails with EINVAL, as on some network and user-space file systems.</summary>
    [Theory]
    [InlineData("/proc")]
    [InlineData("/tmp")]
    public void A_file_system_that_has_nothing_to_flush_for_a_folder_is_no_failure(string folder) => DirectorySync.Flush(folder);

    [Fact]
    public void A_folder_that_is_missing_is_one()
    {
        string absent = Path.Combine(Path.GetTempPath(), "pique-absent");
        RunFailedException failure = Assert.Throws<RunFailedException>(() => DirectorySync.Flush(absent));
        Assert.StartsWith($"{absent}: cannot be flushed to the disk (", failure.Message, StringComparison.Ordinal);
    }
}
