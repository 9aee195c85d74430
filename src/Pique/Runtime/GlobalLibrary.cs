using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Pique;

/// <summary>Loads libraries whose symbols take precedence over those of libraries loaded later.</summary>
[SupportedOSPlatform("linux")]
internal static partial class GlobalLibrary
{
    private const int Now = 0x2;
    private const int NoLoad = 0x4;
    private const int Global = 0x100;

    /// <summary>Loads a library into the global scope of symbols, which <see cref="NativeLibrary"/> cannot.</summary>
    /// <param name="path">Full path of the library.</param>
    /// <exception cref="DllNotFoundException">The loader refused it.</exception>
    public static nint Load(string path)
    {
        nint handle = Open(path, Now | Global);
        return handle != 0 ? handle : throw new DllNotFoundException(Marshal.PtrToStringUTF8(LastError()) ?? $"{path} was refused");
    }

    /// <summary>Says whether a library is in the process already.</summary>
    /// <param name="path">Full path of the library.</param>
    public static bool IsLoaded(string path) => Open(path, Now | NoLoad) != 0;

    [LibraryImport("libdl.so.2", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int flags);

    [LibraryImport("libdl.so.2", EntryPoint = "dlerror")]
    private static partial nint LastError();
}
