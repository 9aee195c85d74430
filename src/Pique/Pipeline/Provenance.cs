using Pique.Calibration;
using Pique.Configuration;
using Pique.Formats;

namespace Pique.Pipeline;

/// <summary>Says where a quantized model comes from.</summary>
public static class Provenance
{
    /// <summary>The provenance of a model that this version of the library quantized.</summary>
    /// <param name="source">The model it was made from; where that is quantized itself, the full-precision model behind it counts.</param>
    /// <param name="configuration">The configuration.</param>
    /// <param name="calibration">The scales it started from.</param>
    /// <param name="rotationSeed">Seed of the rotation folded into the weights; null where they are not rotated.</param>
    public static ModelProvenance Of(LoadedModel source, QatConfig configuration, CalibrationArtifact calibration, long? rotationSeed) => new()
    {
        Version = ModelProvenance.CurrentVersion,
        Configuration = configuration,
        SourceDigest = source.Provenance?.SourceDigest ?? source.Digest,
        CalibrationDigest = CalibrationFile.Digest(calibration),
        RotationSeed = rotationSeed,
    };
}
