using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Pique;

/// <summary>Settings of glibc's memory allocator, from which libtorch takes the memory of every tensor.</summary>
[SupportedOSPlatform("linux")]
internal static partial class Allocator
{
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MmapThreshold = -3;
    private const int KeptBytes = int.MaxValue;
    private const int MmapThresholdBytes = 1 << 30;
    private const int LargestMmapThresholdBytesOfOldGlibc = 32 << 20;
    private const int TopPadBytes = 64 << 20;
    private const int ReturnedBytes = 1 << 20;

    /// <summary>
    /// Keeps the memory of freed tensors for the next ones. By default a large buffer is mapped and unmapped each time,
    /// and the page faults cost several times what the arithmetic does.
    /// </summary>
    /// <remarks>
    /// Only the first thread of the process allocates from an area that can grow without bound. On every other thread
    /// glibc still maps buffers of more than 64 MB anew each time, so training belongs on the first one.
    /// </remarks>
    /// <returns>True where the allocator took the settings; false where it is not glibc's.</returns>
    public static bool KeepLargeBuffers()
    {
        try
        {
            bool threshold = SetOption(MmapThreshold, MmapThresholdBytes) != 0 || SetOption(MmapThreshold, LargestMmapThresholdBytesOfOldGlibc) != 0;
            return threshold && SetOption(TrimThreshold, KeptBytes) != 0 && SetOption(TopPad, TopPadBytes) != 0;
        }
        catch (Exception absent) when (absent is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>
    /// Gives the memory of freed large tensors back to the system at once, so that the process holds what it uses and no more: kept
    /// buffers of many sizes leave gaps between them that nothing fits into. Each large tensor costs page faults again.
    /// </summary>
    /// <returns>True where the allocator took the settings; false where it is not glibc's.</returns>
    public static bool ReturnLargeBuffers()
    {
        try
        {
            return SetOption(MmapThreshold, ReturnedBytes) != 0 && SetOption(TrimThreshold, ReturnedBytes) != 0 && SetOption(TopPad, 0) != 0;
        }
        catch (Exception absent) when (absent is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);
}
