using System.Globalization;
using System.Security.Cryptography;

namespace Pique.Formats.Verification;

/// <summary>Takes the digest of a tensor's bytes and counts its values that are not finite.</summary>
/// <param name="shape">Shape of the tensor.</param>
internal sealed class TensorCheck(IReadOnlyList<long> shape) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _elements;
    private long _notFinite;
    private string? _first;

    /// <summary>Takes the next bytes.</summary>
    /// <param name="stored">Bytes as stored.</param>
    /// <param name="values">The values they stand for; none where they are no floats.</param>
    public void Add(ReadOnlySpan<byte> stored, ReadOnlySpan<float> values)
    {
        _hash.AppendData(stored);
        for (int begin = 0; FiniteCheck.IndexOfNonFinite(values[begin..]) is var index and >= 0; begin += index + 1)
        {
            _notFinite++;
            _first ??= FiniteCheck.Describe(values[begin + index], shape, _elements + begin + index);
        }

        _elements += values.Length;
    }

    /// <summary>Says what was found.</summary>
    /// <param name="recorded">The digest that was recorded; null for none.</param>
    public (VerificationStatus Status, string Detail) Conclude(string? recorded)
    {
        string found = Convert.ToHexStringLower(_hash.GetHashAndReset());
        string values = _notFinite switch
        {
            0 => string.Empty,
            1 => $"holds {_first}",
            _ => string.Create(CultureInfo.InvariantCulture, $"holds {_notFinite} values that are not finite, the first {_first}"),
        };
        if (recorded is not null && recorded != found)
            return (VerificationStatus.Corrupt, values.Length > 0 ? $"{Differs(found, recorded)}; {values}" : Differs(found, recorded));
        if (_notFinite > 0)
            return (VerificationStatus.NotFinite, values);
        return recorded is null ? (VerificationStatus.NoDigest, "no digest recorded") : (VerificationStatus.Ok, "digest matches");
    }

    /// <summary>Two digests by their beginnings.</summary>
    public static string Differs(string found, string recorded) => $"digest differs: found {Short(found)}, recorded {Short(recorded)}";

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private static string Short(string digest)
    {
        const int Shown = 12;
        return FileDigest.IsDigest(digest) ? digest[..Shown] + "…" : $"\"{MessageText.Name(digest)}\"";
    }
}
