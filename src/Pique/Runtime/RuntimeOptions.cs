namespace Pique;

/// <summary>How libtorch is loaded into the process.</summary>
public sealed record RuntimeOptions
{
    /// <summary>Threads libtorch computes with; <see langword="null"/> takes one per logical processor.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// Lets MKL take its fast path on AMD processors, which it otherwise keeps for Intel ones: about 1.25 to 2.4 times
    /// the float32 matrix products per second. Results may differ in the last bits from those of the slow path.
    /// </summary>
    public bool FastMathOnAmd { get; init; } = true;

    /// <summary>Has glibc keep the memory of freed tensors for the next ones; the setting holds for the whole process.</summary>
    public bool KeepLargeBuffers { get; init; } = true;

    /// <summary>
    /// Folder for the native libraries Pique writes; <see langword="null"/> takes <c>$XDG_CACHE_HOME/pique</c> or
    /// <c>~/.cache/pique</c>. Where it cannot be written to or loaded from, or is open to every user, a
    /// folder of this user's under the temporary folder serves.
    /// </summary>
    public string? CacheDirectory { get; init; }
}
