using System.Runtime.Versioning;

namespace Pique.Tests.Runtime;

[SupportedOSPlatform("linux")]
public class TorchLibrariesTests
{
    [Fact]
    public void A_missing_library_is_named_with_the_folders_searched()
    {
        var error = Assert.Throws<RunFailedException>(() => new TorchLibraries(["/nowhere", "/elsewhere"]).Load(NativeLibraryCache.ForUser(null)));
        Assert.Equal("libc10.so is missing: it is in none of /nowhere, /elsewhere; restore the packages TorchSharp and libtorch-cpu-linux-x64, or publish for linux-x64.", error.Message);
    }

    [Fact]
    public void A_refused_library_is_named_with_the_reason()
    {
        string folder = Directory.CreateTempSubdirectory("pique-tests-").FullName;
        try
        {
            string broken = Path.Combine(folder, "libc10.so");
            File.WriteAllText(broken, "this is no library");
            var error = Assert.Throws<RunFailedException>(() => new TorchLibraries([folder]).Load(NativeLibraryCache.ForUser(null)));
            Assert.StartsWith($"{broken}: the system's loader refused it (", error.Message, StringComparison.Ordinal);
            Assert.EndsWith("; it needs glibc 2.34 or later and the C++ runtime libstdc++ of GCC 12 or later, as of Debian 12, Ubuntu 22.04 and Fedora 36.", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Those_of_the_application_are_in_the_process() => Assert.True(TorchLibraries.OfApplication().AreLoaded());
}
