using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Pique.Numerics.Kernels;
using TorchSharp;

namespace Pique;

/// <summary>Loads libtorch into the process, set up for training on the processor at hand.</summary>
/// <remarks>
/// Call <see cref="Initialize"/> before the first use of TorchSharp. In order: MKL's fast path on AMD processors, an
/// allocator that keeps large buffers, the libraries themselves, the number of threads. Train on the first thread of the
/// process, without awaiting before: only there does the allocator keep buffers of more than 64 MB.
/// </remarks>
public static class TorchRuntime
{
    private static readonly Lock Gate = new();
    private static RuntimeReport? CurrentReport;
    private static nint OpenMpParallel;

    /// <summary>What the initialization found and did.</summary>
    /// <exception cref="InvalidOperationException"><see cref="Initialize"/> was not called yet.</exception>
    public static RuntimeReport Report => Volatile.Read(ref CurrentReport)
        ?? throw new InvalidOperationException($"Call {nameof(TorchRuntime)}.{nameof(Initialize)} before reading its report.");

    /// <summary>Loads libtorch. May be called from several threads, and again: then only a given number of threads takes effect.</summary>
    /// <param name="options">How; <see langword="null"/> takes the defaults.</param>
    /// <exception cref="InputException">The number of threads is not positive.</exception>
    /// <exception cref="RunFailedException">libtorch does not run on this system, is missing, or cannot be loaded.</exception>
    public static void Initialize(RuntimeOptions? options = null)
    {
        options ??= new RuntimeOptions();
        if (options.Threads is < 1)
            throw new InputException($"RuntimeOptions.Threads: {options.Threads} is no number of threads; give 1 or more, or none for one per processor.");
        lock (Gate)
        {
            if (CurrentReport is null)
                Volatile.Write(ref CurrentReport, Start(options));
            else if (options.Threads is { } threads && threads != CurrentReport.Threads)
                Volatile.Write(ref CurrentReport, CurrentReport with { Threads = SetThreads(threads) });
        }
    }

    /// <summary>
    /// Puts memory before speed, for the rest of the process: freed tensors of a megabyte and more go back to the system at once.
    /// Call it before a model is loaded that leaves little memory; training adapters is what it is for.
    /// </summary>
    /// <returns>True where glibc's allocator took the settings.</returns>
    public static bool SpareMemory() => OperatingSystem.IsLinux() && Allocator.ReturnLargeBuffers();

    private static RuntimeReport Start(RuntimeOptions options)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw new RunFailedException($"Pique runs on Linux on x86-64, not on {RuntimeInformation.RuntimeIdentifier}; use such a machine or a container.");

        var cache = NativeLibraryCache.ForUser(options.CacheDirectory);
        var libraries = TorchLibraries.OfApplication();
        var warnings = new List<string>();
        bool fastMath = options.FastMathOnAmd && CpuCapability.Current.IsAmd && OpenFastMath(libraries, cache, warnings);
        bool tunedAllocator = options.KeepLargeBuffers && Allocator.KeepLargeBuffers();
        if (options.KeepLargeBuffers && !tunedAllocator)
            warnings.Add("The memory allocator is not glibc's, so large buffers are mapped anew for every tensor; training may be slower.");
        bool patched = libraries.Load(cache);
        OpenMpParallel = libraries.OpenMpParallel();
        return new RuntimeReport
        {
            Threads = SetThreads(options.Threads ?? Environment.ProcessorCount),
            TorchVersion = torch.__version__,
            PatchedNative = patched,
            FastMath = fastMath,
            TunedAllocator = tunedAllocator,
            Cpu = CpuCapability.Current,
            Warnings = warnings,
        };
    }

    // MKL asks its own function mkl_serv_intel_cpu_true whether the processor is Intel's, and libtorch exports it, so a
    // function of that name loaded earlier answers in its place.
    [SupportedOSPlatform("linux")]
    private static bool OpenFastMath(TorchLibraries libraries, NativeLibraryCache cache, List<string> warnings)
    {
        if (libraries.AreLoaded())
        {
            warnings.Add("libtorch was loaded before Pique, so float32 matrix products take MKL's slow path on this AMD processor; call TorchRuntime.Initialize before any use of TorchSharp.");
            return false;
        }
        try
        {
            cache.Load("mkl-fast-on-amd", ElfSharedObjectWriter.ConstantFunction("mkl_serv_intel_cpu_true", 1), GlobalLibrary.Load);
            return true;
        }
        catch (RunFailedException failure)
        {
            warnings.Add($"float32 matrix products take MKL's slow path on this AMD processor: {failure.Message}");
            return false;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)] // TorchSharp is touched only after its library is loaded
    private static int SetThreads(int threads)
    {
        try
        {
            torch.set_num_threads(threads);
            KernelThreads.Attach(OpenMpParallel, torch.get_num_threads());
            return torch.get_num_threads();
        }
        catch (Exception failure) when (failure is TypeInitializationException or NotSupportedException or DllNotFoundException)
        {
            throw new RunFailedException($"TorchSharp did not start although its libraries were loaded ({(failure.InnerException ?? failure).Message}); restore the packages TorchSharp and libtorch-cpu-linux-x64 in the versions Pique names.", failure);
        }
    }
}
