using System.Runtime.InteropServices;
using Pique.Formats.Safetensors;

namespace Pique.Formats.Verification;

/// <summary>Verifies a safetensors file: its structure, its digests where it has them, and that its floats are finite.</summary>
internal static class SafetensorsVerifier
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
            using SafetensorsFile opened = SafetensorsFile.Open(path, new HeaderMemory(), requireWhole: false);
            IReadOnlyDictionary<string, string>? digests = Digests(opened, out string? fault);
            List<VerificationItem> items = [HeaderItem(file, digests, fault)];
            items.AddRange(opened.Tensors.Select(tensor => TensorItem(opened, file, tensor, digests)));
            return items;
        }
        catch (InputException refusal)
        {
            return [VerificationItem.Refused(file, VerificationParts.Header, path, refusal)];
        }
    }

    private static VerificationItem HeaderItem(string file, IReadOnlyDictionary<string, string>? digests, string? fault) =>
        fault is not null ? new(file, VerificationParts.Header, VerificationStatus.Corrupt, fault)
        : digests is null ? new(file, VerificationParts.Header, VerificationStatus.NoDigest, "structure ok, no digests recorded")
        : new(file, VerificationParts.Header, VerificationStatus.Ok, "digest matches");

    /// <summary>The digests of the tensors, or null where none are recorded, and what is wrong with the header.</summary>
    private static IReadOnlyDictionary<string, string>? Digests(SafetensorsFile file, out string? fault)
    {
        string? ofTensors = file.AllMetadata.GetValueOrDefault(SafetensorsDigests.TensorsKey);
        string? ofHeader = file.AllMetadata.GetValueOrDefault(SafetensorsDigests.HeaderKey);
        IReadOnlyDictionary<string, string>? digests = ofTensors is null ? null : SafetensorsDigests.Read(ofTensors);
        long spareBytes = file.FileBytes - file.DataStart - (file.Tensors.Count == 0 ? 0 : file.Tensors[^1].End);
        fault = spareBytes > 0 ? $"{spareBytes} bytes after the last tensor belong to nothing"
            : ofTensors is null && ofHeader is null ? null
            : ofHeader is null ? $"{SafetensorsDigests.HeaderKey} is missing beside {SafetensorsDigests.TensorsKey}"
            : ofTensors is null ? $"{SafetensorsDigests.TensorsKey} is missing beside {SafetensorsDigests.HeaderKey}"
            : digests is null ? $"{SafetensorsDigests.TensorsKey} is no JSON object of digests"
            : digests.Keys.FirstOrDefault(name => file.Find(name) is null) is { } name ? $"{SafetensorsDigests.TensorsKey} names \"{MessageText.Name(name)}\", which the file does not have"
            : HeaderFault(file, ofHeader);
        return digests;
    }

    private static string? HeaderFault(SafetensorsFile file, string recorded)
    {
        byte[] header = new byte[file.DataStart - SafetensorsFile.LengthBytes];
        file.ReadFileBytes(SafetensorsFile.LengthBytes, header);
        return SafetensorsDigests.OfHeader(header) switch
        {
            null => $"{SafetensorsDigests.HeaderKey} is not written as Pique writes it",
            { } found when found != recorded => TensorCheck.Differs(found, recorded),
            _ => null,
        };
    }

    private static VerificationItem TensorItem(SafetensorsFile file, string fileName, SafetensorsTensor tensor, IReadOnlyDictionary<string, string>? digests)
    {
        long dataBytes = file.FileBytes - file.DataStart;
        if (tensor.End > dataBytes && tensor.StoredBytes > 0)
            return Corrupt($"cut short: ends at byte {tensor.End} of the data, the file has {dataBytes}");
        string? recorded = digests?.GetValueOrDefault(tensor.Name);
        if (digests is not null && recorded is null)
            return Corrupt($"has no digest in {SafetensorsDigests.TensorsKey}");

        using TensorCheck check = new(tensor.Shape);
        byte[] buffer = new byte[Math.Min(BufferBytes, tensor.StoredBytes)];
        float[] values = new float[tensor.Dtype.IsWeightDtype() ? buffer.Length / tensor.Dtype.ElementBytes() : 0];
        for (long begin = tensor.Begin; begin < tensor.End; begin += buffer.Length)
        {
            Span<byte> stored = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.End - begin));
            file.ReadFileBytes(file.DataStart + begin, stored);
            check.Add(stored, Widen(tensor.Dtype, stored, values));
        }

        (VerificationStatus status, string detail) = check.Conclude(recorded);
        return new VerificationItem(fileName, tensor.Name, status, detail);

        VerificationItem Corrupt(string detail) => new(fileName, tensor.Name, VerificationStatus.Corrupt, detail);
    }

    private static ReadOnlySpan<float> Widen(SafetensorsDtype dtype, ReadOnlySpan<byte> stored, float[] values)
    {
        if (!dtype.IsWeightDtype())
            return [];
        Span<float> widened = values.AsSpan(0, stored.Length / dtype.ElementBytes());
        switch (dtype)
        {
            case SafetensorsDtype.BF16:
                FloatConversion.WidenBFloat16(MemoryMarshal.Cast<byte, ushort>(stored), widened);
                break;
            case SafetensorsDtype.F16:
                FloatConversion.WidenHalf(MemoryMarshal.Cast<byte, Half>(stored), widened);
                break;
            default:
                stored.CopyTo(MemoryMarshal.AsBytes(widened));
                break;
        }

        return widened;
    }
}
