using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Runtime.Versioning;

namespace Pique;

/// <summary>Finds and loads libtorch and TorchSharp's library over it.</summary>
/// <remarks>
/// TorchSharp's library asks for symbol version GLIBCXX_3.4.32 of the C++ runtime (GCC 13). The runtime of GCC 12,
/// as of Debian 12 and Ubuntu 22.04, lacks that version, and the loader refuses the library although no
/// relocation uses a symbol of it. There a copy is loaded in which that need is weak (<see cref="ElfVersionPatcher"/>).
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class TorchLibraries
{
    private const string MissingVersion = "GLIBCXX_3.4.32";
    private const string BindingName = "LibTorchSharp";
    private const string BindingFile = "libLibTorchSharp.so";
    private static readonly string[] Dependencies = ["libc10.so", "libtorch_cpu.so", "libtorch.so"];
    private readonly IReadOnlyList<string> _folders;

    /// <summary>Creates the libraries to be found in some folders.</summary>
    /// <param name="folders">Folders searched, in order.</param>
    public TorchLibraries(IReadOnlyList<string> folders) => _folders = folders;

    /// <summary>The libraries that came with the application.</summary>
    public static TorchLibraries OfApplication()
    {
        string searched = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        return new TorchLibraries(
        [
            Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"),
            AppContext.BaseDirectory,
            .. searched.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
        ]);
    }

    /// <summary>Says whether libtorch is in the process already.</summary>
    public bool AreLoaded() => GlobalLibrary.IsLoaded(Find("libtorch_cpu.so"));

    /// <summary>Loads libtorch, then TorchSharp's library, patched where the plain one is refused.</summary>
    /// <param name="cache">Where a patched copy is kept.</param>
    /// <returns>True where the patched copy serves.</returns>
    /// <exception cref="RunFailedException">A library is missing or refused.</exception>
    public bool Load(NativeLibraryCache cache)
    {
        foreach (string file in Dependencies)
            LoadPlain(Find(file));
        string binding = Find(BindingFile);
        try
        {
            NativeLibrary.Load(binding);
            return false;
        }
        catch (DllNotFoundException refusal) when (refusal.Message.Contains(MissingVersion, StringComparison.Ordinal))
        {
            byte[] patched = ElfVersionPatcher.MarkWeak(File.ReadAllBytes(binding), MissingVersion, binding);
            nint handle = cache.Load(BindingFile[..^3], patched, NativeLibrary.Load);
            AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) =>
                Path.GetFileNameWithoutExtension(name) is BindingName or "lib" + BindingName ? handle : 0;
            return true;
        }
        catch (DllNotFoundException refusal)
        {
            throw Refused(binding, refusal);
        }
    }

    /// <summary>The entry of the OpenMP library libtorch computes with, through which work joins its threads.</summary>
    /// <returns>Address of <c>GOMP_parallel</c>; zero where libtorch came without that library.</returns>
    public nint OpenMpParallel()
    {
        foreach (string folder in _folders.Where(Directory.Exists))
        {
            foreach (string file in Directory.EnumerateFiles(folder, "libgomp*.so*").Order(StringComparer.Ordinal))
            {
                // Loading again what is loaded gives the same library.
                if (NativeLibrary.TryLoad(file, out nint library) && NativeLibrary.TryGetExport(library, "GOMP_parallel", out nint entry))
                    return entry;
            }
        }

        return 0;
    }

    private static void LoadPlain(string path)
    {
        try
        {
            NativeLibrary.Load(path);
        }
        catch (DllNotFoundException refusal)
        {
            throw Refused(path, refusal);
        }
    }

    private static RunFailedException Refused(string path, Exception refusal) => new(
        $"{path}: the system's loader refused it ({refusal.Message.Trim().ReplaceLineEndings(" ")}); it needs glibc 2.34 or later and the C++ runtime libstdc++ of GCC 12 or later, as of Debian 12, Ubuntu 22.04 and Fedora 36.",
        refusal);

    private string Find(string file) => _folders.Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists)
        ?? throw new RunFailedException(
            $"{file} is missing: it is in none of {string.Join(", ", _folders)}; restore the packages TorchSharp and libtorch-cpu-linux-x64, or publish for linux-x64.");
}
