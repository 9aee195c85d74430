using Pique.Configuration;

namespace Pique.Formats.Gguf.Export;

/// <summary>The keys by which a file says where it comes from and how exact it is. The digests of its own bytes are <see cref="GgufWriter"/>'s.</summary>
internal static class ProvenanceKeys
{
    public const string Version = "pique.version";
    public const string Configuration = "pique.configuration";
    public const string SourceDigest = "pique.source_sha256";
    public const string CalibrationDigest = "pique.calibration_sha256";
    public const string RotationSeed = "pique.rotation_seed";

    /// <summary>Bits of each tensor's codes in training, in the order of the tensors; 0 where it was not quantized.</summary>
    public const string TensorBits = "pique.tensor_bits";

    /// <summary>Whether each tensor holds the very values of training, in the order of the tensors.</summary>
    public const string TensorExact = "pique.tensor_exact";

    /// <summary>Adds the keys.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="model">The model.</param>
    /// <param name="tensors">How every tensor is written.</param>
    public static void Write(GgufMetadata metadata, LoadedModel model, IReadOnlyList<GgufExportedTensor> tensors)
    {
        metadata.Add(Version, ModelProvenance.CurrentVersion);
        if (model.Provenance is { } provenance)
        {
            metadata.Add(Configuration, QatConfigJson.Write(provenance.Configuration));
            metadata.Add(CalibrationDigest, provenance.CalibrationDigest);
            if (provenance.RotationSeed is { } seed)
                metadata.Add(RotationSeed, GgufValue.Of(seed));
        }

        metadata.Add(SourceDigest, model.Provenance?.SourceDigest ?? model.Digest);
        metadata.Add(TensorBits, (IReadOnlyList<int>)[.. tensors.Select(tensor => tensor.CodeBits ?? 0)]);
        metadata.Add(TensorExact, (IReadOnlyList<bool>)[.. tensors.Select(tensor => tensor.IsExact)]);
    }
}
