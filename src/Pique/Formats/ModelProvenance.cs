using System.Reflection;
using Pique.Configuration;

namespace Pique.Formats;

/// <summary>Where a quantized model comes from; stored with it and exported with it.</summary>
public sealed record ModelProvenance
{
    /// <summary>Version of this library.</summary>
    public static string CurrentVersion { get; } =
        typeof(ModelProvenance).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Version of Pique that quantized the model.</summary>
    public required string Version { get; init; }

    /// <summary>The configuration it was quantized with.</summary>
    public required QatConfig Configuration { get; init; }

    /// <summary>Digest of the full-precision weights it was made from, see <see cref="ModelDigest"/>.</summary>
    public required string SourceDigest { get; init; }

    /// <summary>SHA-256 of the calibration it started from, without its timestamp; hexadecimal.</summary>
    public required string CalibrationDigest { get; init; }

    /// <summary>Seed of the rotation folded into the weights; null where they are not rotated.</summary>
    public long? RotationSeed { get; init; }
}
