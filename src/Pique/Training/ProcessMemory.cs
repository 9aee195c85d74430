using System.Globalization;
using System.Runtime.InteropServices;

namespace Pique.Training;

/// <summary>Memory of this process as the Linux kernel counts it: managed, native and libtorch's alike. Elsewhere nothing is known.</summary>
/// <remarks>VmHWM of /proc/self/status is the highest resident size; writing 5 to /proc/self/clear_refs sets it back to the present one (proc_pid_clear_refs(5)).</remarks>
/// <param name="folder">The process's folder in /proc.</param>
internal sealed partial class ProcessMemory(string folder = "/proc/self")
{
    private const string ResetPeakCommand = "5";
    private const int BytesPerKilobyte = 1024;

    /// <summary>Resident now; null where unknown.</summary>
    public long? ResidentBytes => Read("VmRSS:");

    /// <summary>Most that was resident at once since <see cref="ResetPeak"/>, or since the process began where that is not allowed; null where unknown.</summary>
    public long? PeakBytes => Read("VmHWM:");

    /// <summary>Gives memory that is free but kept for the next tensor back to the system, so that a peak measured afterwards is one of what is in use.</summary>
    public static void ReleaseFree()
    {
        // Tensors that nobody holds any more are freed by their finalizers.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        try
        {
            _ = TrimHeap(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc, which keeps less by itself.
        }
        catch (DllNotFoundException)
        {
            // No such library: another system.
        }
    }

    /// <summary>Begins a new peak.</summary>
    /// <returns>False where the system does not allow it.</returns>
    public bool ResetPeak()
    {
        try
        {
            File.WriteAllText(Path.Combine(folder, "clear_refs"), ResetPeakCommand);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false; // The peak then counts from the start of the process.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimHeap(nuint keepBytes);

    private long? Read(string field)
    {
        try
        {
            foreach (string line in File.ReadLines(Path.Combine(folder, "status")))
            {
                if (line.StartsWith(field, StringComparison.Ordinal))
                {
                    string kilobytes = line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
                    return long.Parse(kilobytes, NumberStyles.None, CultureInfo.InvariantCulture) * BytesPerKilobyte;
                }
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
        {
            // No such accounting on this system.
        }

        return null;
    }
}
