using static TorchSharp.torch;

namespace Pique.Tests.Runtime;

public class TorchRuntimeTests
{
    [Fact]
    public void Tensors_compute()
    {
        using Tensor sum = ones(3).sum();
        Assert.Equal(3f, sum.item<float>());
    }

    [Fact]
    public void Report_says_what_was_done()
    {
        RuntimeReport report = TorchRuntime.Report;
        Assert.Equal(get_num_threads(), report.Threads);
        Assert.Equal(__version__, report.TorchVersion);
        Assert.Equal(CpuCapability.Current.IsAmd, report.FastMath);
        Assert.True(report.TunedAllocator);
        Assert.Empty(report.Warnings);
    }
}
