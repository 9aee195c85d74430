using Pique.Pipeline;

namespace Pique.Tests.Pipeline.Planning;

public sealed class AvailableMemoryTests : IDisposable
{
    private const long Kilobyte = 1024;

    private readonly TemporaryFolder _folder = new();

    public AvailableMemoryTests()
    {
        Write("proc/meminfo", "MemTotal:       9000 kB\nMemFree:        100 kB\nMemAvailable:    4000 kB\n");
        Write("proc/self/status", "VmHWM:\t 999 kB\nVmRSS:\t 50 kB\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_the_system_has_left_and_the_process_holds_already_is_available() => Assert.Equal(4050 * Kilobyte, Bytes());

    [Theory]
    [InlineData("2048000\n", 2_048_000 - 1_000_000 + 200_000 + (50 * Kilobyte))] // Limit − usage + file pages that can be dropped.
    [InlineData("900000\n", (50 * Kilobyte) + 100_000)] // Over its limit but for those pages.
    [InlineData("1000\n", 50 * Kilobyte)] // Nothing is left.
    [InlineData("max\n", 4050 * Kilobyte)]
    public void The_limit_of_a_control_group_of_version_2_counts(string limit, long expected)
    {
        Write("proc/self/cgroup", "0::/system.slice/run.scope\n");
        Group("group/system.slice/run.scope", limit, "1000000\n", "anon 5\ninactive_file 200000\nactive_file 7\n");
        Assert.Equal(expected, Bytes());
    }

    [Fact]
    public void A_group_above_counts_too_and_so_does_the_root_where_a_containers_path_is_cut_off()
    {
        Write("proc/self/cgroup", "0::/system.slice/run.scope\n");
        Group("group/system.slice/run.scope", "max", "1000000\n", "");
        Group("group/system.slice", "1500000", "1000000\n", "");
        Assert.Equal(500_000 + (50 * Kilobyte), Bytes());
        Group("group", "1100000", "1000000\n", "");
        Assert.Equal(100_000 + (50 * Kilobyte), Bytes());
    }

    [Fact]
    public void The_limit_of_a_control_group_of_version_1_counts()
    {
        Write("proc/self/cgroup", "12:cpu,cpuacct:/a\n9:name=systemd:/\n4:memory:/jobs/1\n0::/\n");
        Write("group/memory/jobs/1/memory.limit_in_bytes", "3000000\n");
        Write("group/memory/jobs/1/memory.usage_in_bytes", "1000000\n");
        Write("group/memory/jobs/1/memory.stat", "cache 1\ntotal_inactive_file 500000\n");
        Assert.Equal(2_500_000 + (50 * Kilobyte), Bytes());
        Write("group/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Write("group/memory/memory.usage_in_bytes", "1000000\n");
        Assert.Equal(2_500_000 + (50 * Kilobyte), Bytes());
    }

    [Fact]
    public void Where_the_system_does_not_tell_nothing_is_known()
    {
        File.Delete(_folder.File("proc/meminfo"));
        Assert.Null(Bytes());
    }

    [Fact]
    public void This_system_tells() => Assert.InRange(new AvailableMemory().Bytes!.Value, 1 << 20, 1L << 50);

    private long? Bytes() => new AvailableMemory(_folder.File("proc"), _folder.File("group")).Bytes;

    private void Group(string folder, string limit, string usage, string stat)
    {
        Write($"{folder}/memory.max", limit);
        Write($"{folder}/memory.current", usage);
        Write($"{folder}/memory.stat", stat);
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(path))!);
        File.WriteAllText(_folder.File(path), text);
    }
}
