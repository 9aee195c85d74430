using Pique.Configuration;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Export;

namespace Pique.Formats.Verification;

/// <summary>Checks the keys by which a GGUF file says where it comes from, where it has them.</summary>
internal static class GgufProvenanceCheck
{
    /// <summary>What is wrong with the keys; null where nothing is.</summary>
    /// <param name="file">The file.</param>
    public static string? Fault(GgufFile file)
    {
        foreach ((string key, GgufValue value) in file.Metadata)
        {
            string? expected = key switch
            {
                ProvenanceKeys.TensorBits => value.Integers is { } bits && bits.Count == file.Tensors.Count && bits.All(count => count is 0 or 2 or 3 or 4 or 5 or 8)
                    ? null
                    : $"0, 2, 3, 4, 5 or 8 for each of the {file.Tensors.Count} tensors",
                ProvenanceKeys.TensorExact => value.Flags is { } flags && flags.Count == file.Tensors.Count ? null : $"a truth value for each of the {file.Tensors.Count} tensors",
                ProvenanceKeys.SourceDigest or ProvenanceKeys.CalibrationDigest => value.Text is { } digest && FileDigest.IsDigest(digest) ? null : $"{FileDigest.Digits} hexadecimal digits",
                ProvenanceKeys.Configuration => value.Text is { } json && QatConfigJson.Examine(json).Faults.Count == 0 ? null : "a valid configuration",
                ProvenanceKeys.RotationSeed => value.Integer is not null ? null : "a whole number",
                ProvenanceKeys.Version => value.Text is { Length: > 0 } ? null : "a version",
                _ => null,
            };
            if (expected is not null)
                return $"key \"{key}\" is {value.Describe()}{(value.ElementType is null ? "" : $" with {value.Count} elements")}, expected {expected}";
        }

        return null;
    }
}
