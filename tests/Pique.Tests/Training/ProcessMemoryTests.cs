using Pique.Training;
using static TorchSharp.torch;

namespace Pique.Tests.Training;

public sealed class ProcessMemoryTests
{
    [Fact]
    public void A_tensor_shows_in_the_peak()
    {
        const long Megabytes = 64;
        ProcessMemory memory = new();
        memory.ResetPeak();
        long before = memory.ResidentBytes!.Value;
        using Tensor tensor = ones(Megabytes, 1 << 18);

        // Other tests free memory and reset the mark meanwhile: half of it is proof enough.
        Assert.True(memory.PeakBytes - before > Megabytes << 19, $"{memory.PeakBytes} bytes at most, {before} before");
    }

    [Fact]
    public void The_fields_of_the_status_file_are_read_in_bytes()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(Path.Combine(folder.Path, "status"), "Name:\tpique\nVmHWM:\t    2032 kB\nVmRSS:\t    1001 kB\n");
        ProcessMemory memory = new(folder.Path);
        Assert.Equal((2032L * 1024, 1001L * 1024), (memory.PeakBytes, memory.ResidentBytes));
        Assert.True(memory.ResetPeak());
        Assert.Equal("5", File.ReadAllText(Path.Combine(folder.Path, "clear_refs")));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Name:\tpique\n")]
    [InlineData("VmHWM:\tmuch\n")]
    public void Where_the_system_does_not_tell_nothing_is_known(string? status)
    {
        using TemporaryFolder folder = new();
        if (status is not null)
            File.WriteAllText(Path.Combine(folder.Path, "status"), status);
        Assert.Null(new ProcessMemory(folder.Path).PeakBytes);
        Assert.False(new ProcessMemory(Path.Combine(folder.Path, "absent")).ResetPeak());
    }
}
