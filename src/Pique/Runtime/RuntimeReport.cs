namespace Pique;

/// <summary>What <see cref="TorchRuntime.Initialize"/> found and did.</summary>
public sealed record RuntimeReport
{
    /// <summary>Threads libtorch computes with.</summary>
    public required int Threads { get; init; }

    /// <summary>Version of the libtorch package that TorchSharp belongs to, such as "2.10.0.0".</summary>
    public required string TorchVersion { get; init; }

    /// <summary>True where the C++ runtime of this system is too old for TorchSharp's library as shipped, so that a patched copy is loaded.</summary>
    public required bool PatchedNative { get; init; }

    /// <summary>True where the library that opens MKL's fast path on AMD processors was loaded ahead of libtorch.</summary>
    public required bool FastMath { get; init; }

    /// <summary>True where glibc's allocator was told to keep large buffers for the next tensor.</summary>
    public required bool TunedAllocator { get; init; }

    /// <summary>The processor.</summary>
    public required CpuCapability Cpu { get; init; }

    /// <summary>What was wanted and could not be had, in whole sentences; empty where all went well.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
