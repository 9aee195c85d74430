namespace Pique.Formats.Gguf;

/// <summary>The digests that Pique records in the metadata of a GGUF file.</summary>
internal static class GgufDigests
{
    /// <summary>Array of strings: SHA-256 of each tensor's bytes, in the order of the tensors.</summary>
    public const string TensorsKey = "pique.tensor_sha256";

    /// <summary>SHA-256 of all bytes ahead of the data section, with its own digits taken as zeros. The last key.</summary>
    public const string HeaderKey = "pique.header_sha256";
}
