namespace Pique.Tests.Runtime;

public class CpuCapabilityTests
{
    [Fact]
    public void It_agrees_with_the_kernel()
    {
        string[] lines = File.ReadAllLines("/proc/cpuinfo");
        string[] flags = Field(lines, "flags").Split(' ');
        CpuCapability cpu = CpuCapability.Current;
        Assert.Equal(Field(lines, "vendor_id"), cpu.Vendor);
        Assert.Equal(flags.Contains("avx2") && flags.Contains("fma"), cpu.Avx2);
        Assert.Equal(flags.Contains("avx512bw") && flags.Contains("avx512vl") && flags.Contains("avx512dq"), cpu.Avx512);
        Assert.Equal(cpu.Avx512 && (flags.Contains("avx512_bf16") || flags.Contains("amx_bf16")), cpu.Bfloat16);
    }

    [Theory]
    [InlineData(false, false, false, "baseline")]
    [InlineData(true, false, false, "AVX2")]
    [InlineData(true, true, false, "AVX-512")]
    [InlineData(true, true, true, "AVX-512 bf16")]
    public void Its_text_is_the_widest(bool avx2, bool avx512, bool bfloat16, string text) =>
        Assert.Equal(text, new CpuCapability("GenuineIntel", avx2, avx512, bfloat16).ToString());

    private static string Field(string[] lines, string name) =>
        lines.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(": ")[1];
}
