using System.Runtime.InteropServices;

namespace Pique.Tests.Runtime;

public sealed class ElfSharedObjectWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pique-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("mkl_serv_intel_cpu_true", 1)]
    [InlineData("f", int.MinValue)]
    public unsafe void The_loader_takes_it_and_the_function_answers(string name, int value)
    {
        string path = Path.Combine(_folder, name + ".so");
        File.WriteAllBytes(path, ElfSharedObjectWriter.ConstantFunction(name, value));
        nint library = NativeLibrary.Load(path);
        var function = (delegate* unmanaged<int>)NativeLibrary.GetExport(library, name);
        Assert.Equal(value, function());
        Assert.False(NativeLibrary.TryGetExport(library, name + "x", out _));
        NativeLibrary.Free(library);
    }

    [Fact]
    public void It_is_small() => Assert.Equal(504, ElfSharedObjectWriter.ConstantFunction("mkl_serv_intel_cpu_true", 1).Length);

    [Fact]
    public void A_name_longer_than_a_page_is_refused() =>
        Assert.Throws<ArgumentException>(() => ElfSharedObjectWriter.ConstantFunction(new string('a', 4096), 1));
}
