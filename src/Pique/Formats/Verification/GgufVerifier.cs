using System.Security.Cryptography;
using System.Text;
using Pique.Formats.Gguf;

namespace Pique.Formats.Verification;

/// <summary>Verifies a GGUF file: its structure, its digests where it has them, and that its weights are finite.</summary>
internal static class GgufVerifier
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Verifies a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="file">What to call it.</param>
    /// <returns>The header, then every tensor in the order of their bytes.</returns>
    public static IReadOnlyList<VerificationItem> Verify(string path, string file)
    {
        try
        {
            using GgufFile opened = GgufFile.Open(path, requireWhole: false);
            IReadOnlyList<string>? digests = opened.Metadata.Find(GgufDigests.TensorsKey)?.Texts;
            List<VerificationItem> items = [HeaderItem(opened, file, digests)];
            for (int index = 0; index < opened.Tensors.Count; index++)
                items.Add(TensorItem(opened, file, opened.Tensors[index], digests is not null, digests?.ElementAtOrDefault(index)));
            return items;
        }
        catch (InputException refusal)
        {
            return [VerificationItem.Refused(file, VerificationParts.Header, path, refusal)];
        }
    }

    private static VerificationItem HeaderItem(GgufFile file, string fileName, IReadOnlyList<string>? digests)
    {
        bool recorded = file.Metadata.Contains(GgufDigests.TensorsKey) || file.Metadata.Contains(GgufDigests.HeaderKey);
        string? fault = file.HeaderBytes > file.FileBytes ? $"cut short: ends at byte {file.HeaderBytes}, the file has {file.FileBytes}"
            : SpareBytes(file) is var spareBytes and > 0 ? $"{spareBytes} bytes after the last tensor belong to nothing"
            : recorded ? DigestFault(file, digests)
            : null;
        fault ??= GgufProvenanceCheck.Fault(file);
        return fault is not null ? new(fileName, VerificationParts.Header, VerificationStatus.Corrupt, fault)
            : recorded ? new(fileName, VerificationParts.Header, VerificationStatus.Ok, "digest matches")
            : new(fileName, VerificationParts.Header, VerificationStatus.NoDigest, "structure ok, no digests recorded");
    }

    private static string? DigestFault(GgufFile file, IReadOnlyList<string>? digests)
    {
        if (digests is null)
            return $"{GgufDigests.TensorsKey} is missing or no list of digests beside {GgufDigests.HeaderKey}";
        if (digests.Count != file.Tensors.Count)
            return $"{GgufDigests.TensorsKey} has {digests.Count} digests, the file {file.Tensors.Count} tensors";
        if (file.Metadata.Find(GgufDigests.HeaderKey)?.Text is not { } recorded)
            return $"{GgufDigests.HeaderKey} is missing or no digest beside {GgufDigests.TensorsKey}";
        return OfHeader(file) switch
        {
            null => $"{GgufDigests.HeaderKey} is not written as Pique writes it",
            { } found when found != recorded => TensorCheck.Differs(found, recorded),
            _ => null,
        };
    }

    /// <summary>SHA-256 of all bytes ahead of the data, with its own digits taken as zeros; null where those are not found.</summary>
    private static string? OfHeader(GgufFile file)
    {
        if (file.HeaderBytes > Array.MaxLength)
            return null;
        byte[] header = new byte[file.HeaderBytes];
        file.ReadFileBytes(0, header);
        using MemoryStream pair = new();
        using (BinaryWriter writer = new(pair))
        {
            writer.Write((ulong)GgufDigests.HeaderKey.Length);
            writer.Write(Encoding.ASCII.GetBytes(GgufDigests.HeaderKey));
            writer.Write((uint)GgufValueType.String);
            writer.Write((ulong)FileDigest.Digits);
        }

        byte[] before = pair.ToArray();
        int digitsAt = header.AsSpan().LastIndexOf(before) + before.Length;
        if (digitsAt < before.Length || digitsAt + FileDigest.Digits > header.Length)
            return null;
        header.AsSpan(digitsAt, FileDigest.Digits).Fill((byte)'0');
        return Convert.ToHexStringLower(SHA256.HashData(header));
    }

    private static long SpareBytes(GgufFile file) => file.FileBytes - (file.Tensors.Count == 0 ? file.HeaderBytes : PaddedEnd(file, file.Tensors[^1]));

    private static long PaddedEnd(GgufFile file, GgufTensor tensor) => GgufLimits.Align(tensor.Offset + tensor.ByteCount, file.Alignment);

    private static VerificationItem TensorItem(GgufFile file, string fileName, GgufTensor tensor, bool digestsRecorded, string? recorded)
    {
        long end = tensor.Offset + tensor.ByteCount;
        if (end > file.FileBytes)
            return new VerificationItem(fileName, tensor.Name, VerificationStatus.Corrupt, $"cut short: ends at byte {end}, the file has {file.FileBytes}");
        using TensorCheck check = new(tensor.Shape);
        int blockBytes = tensor.Type.BlockBytes();
        byte[] buffer = new byte[Math.Min(BufferBytes / blockBytes * blockBytes, tensor.ByteCount)];
        float[] values = new float[buffer.Length / blockBytes * tensor.Type.BlockWeights()];
        for (long begin = tensor.Offset; begin < end; begin += buffer.Length)
        {
            Span<byte> stored = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - begin));
            file.ReadFileBytes(begin, stored);
            Span<float> weights = values.AsSpan(0, stored.Length / blockBytes * tensor.Type.BlockWeights());
            GgufBlocks.Dequantize(tensor.Type, stored, weights);
            check.Add(stored, weights);
        }

        (VerificationStatus status, string detail) = check.Conclude(recorded);
        return digestsRecorded && status == VerificationStatus.Ok && PaddingFault(file, tensor) is { } fault
            ? new VerificationItem(fileName, tensor.Name, VerificationStatus.Corrupt, fault)
            : new VerificationItem(fileName, tensor.Name, status, detail);
    }

    /// <summary>Padding belongs to no digest; the writer fills it with zeros, after the last tensor too.</summary>
    private static string? PaddingFault(GgufFile file, GgufTensor tensor)
    {
        long end = tensor.Offset + tensor.ByteCount;
        long missingBytes = PaddedEnd(file, tensor) - file.FileBytes;
        if (missingBytes > 0)
            return $"cut short: {missingBytes} bytes of the padding after it are missing";
        byte[] padding = new byte[PaddedEnd(file, tensor) - end];
        file.ReadFileBytes(end, padding);
        return padding.AsSpan().ContainsAnyExcept((byte)0) ? "the padding after it holds other bytes than zeros" : null;
    }
}
