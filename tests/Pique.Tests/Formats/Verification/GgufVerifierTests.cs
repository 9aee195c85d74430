using System.Text;
using Pique.Configuration;
using Pique.Formats.Gguf;
using Pique.Formats.Verification;

namespace Pique.Tests.Formats.Verification;

public sealed class GgufVerifierTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("w.gguf");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_as_it_was_written_is_ok()
    {
        Write();

        Assert.Equal(["header: Ok, digest matches", "a: Ok, digest matches", "b: Ok, digest matches", "c: Ok, digest matches"], Verify());
    }

    [Fact]
    public void A_file_without_tensors_is_ok()
    {
        GgufWriter.Write(FilePath, new GgufMetadata(), []);

        Assert.Equal(["header: Ok, digest matches"], Verify());
    }

    [Fact]
    public void A_file_of_other_software_has_no_digests()
    {
        File.WriteAllBytes(FilePath, Hostile.HostileGguf.Valid());

        Assert.Equal(["header: NoDigest, structure ok, no digests recorded", "a: NoDigest, no digest recorded", "b: NoDigest, no digest recorded"], Verify());
    }

    [Fact]
    public void A_published_file_is_sound()
    {
        string path = SharedData.PathOrSkip("tokenizers/llama2/ggml-vocab-llama-spm.gguf");

        Assert.Equal([new VerificationItem("f", "header", VerificationStatus.NoDigest, "structure ok, no digests recorded")], GgufVerifier.Verify(path, "f"));
    }

    [Fact]
    public void Every_flipped_bit_is_found_and_named()
    {
        byte[] whole = Write();
        Place[] places = Places();
        for (int position = 0; position < whole.Length; position++)
        {
            string part = places.FirstOrDefault(place => position >= place.Begin && position < place.PaddedEnd)?.Name ?? "header";
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] flipped = [.. whole];
                flipped[position] ^= (byte)(1 << bit);
                File.WriteAllBytes(FilePath, flipped);
                Assert.Equal([part], GgufVerifier.Verify(FilePath, "f").Where(item => item.IsBad).Select(item => item.Name).Take(1));
            }
        }
    }

    [Fact]
    public void Every_truncation_is_found_and_every_tensor_that_is_cut_is_named()
    {
        byte[] whole = Write();
        Place[] places = Places();
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(FilePath, whole[..length]);
            string[] bad = [.. GgufVerifier.Verify(FilePath, "f").Where(item => item.IsBad).Select(item => item.Name)];
            if (length < places[0].Begin)
                Assert.Equal("header", bad[0]);
            else
                Assert.Equal(places.Where(place => place.PaddedEnd > length).Select(place => place.Name), bad);
        }

        File.WriteAllBytes(FilePath, whole[..^29]);
        Assert.Equal($"c: Corrupt, cut short: ends at byte {places[2].End}, the file has {whole.Length - 29}", Verify()[3]);
        File.WriteAllBytes(FilePath, whole[..^1]);
        Assert.Equal("c: Corrupt, cut short: 1 bytes of the padding after it are missing", Verify()[3]);
    }

    [Fact]
    public void Padding_and_bytes_to_spare_are_found()
    {
        byte[] whole = Write();
        File.WriteAllBytes(FilePath, [.. whole, 0, 0, 0]);
        Assert.Equal("header: Corrupt, 3 bytes after the last tensor belong to nothing", Verify()[0]);

        whole[^1] = 1;
        File.WriteAllBytes(FilePath, whole);
        Assert.Equal(["header: Ok, digest matches", "a: Ok, digest matches", "b: Ok, digest matches", "c: Corrupt, the padding after it holds other bytes than zeros"], Verify());
    }

    /// <summary>A scale that is not finite spoils the 32 weights of its block.</summary>
    [Fact]
    public void Values_that_are_not_finite_are_found()
    {
        byte[] block = new byte[34];
        byte[] bad = [0x00, 0x7C, 1, .. new byte[31]]; // Infinity times 1, then times 0.
        GgufWriter.Write(FilePath, new GgufMetadata(), [new("w", [2, 32], GgufTensorType.Q8_0, stream => stream.Write([.. block, .. bad]))]);

        Assert.Equal(["header: Ok, digest matches", "w: NotFinite, holds 32 values that are not finite, the first Infinity at [1, 0]"], Verify());
    }

    [Theory]
    [InlineData("pique.header_sha256", "pique.header_sha255", "pique.header_sha256 is missing or no digest beside pique.tensor_sha256")]
    [InlineData("pique.tensor_sha256", "pique.tensor_sha255", "pique.tensor_sha256 is missing or no list of digests beside pique.header_sha256")]
    public void Digests_that_are_damaged_are_told(string text, string replacement, string expected)
    {
        string whole = Encoding.Latin1.GetString(Write());
        File.WriteAllBytes(FilePath, Encoding.Latin1.GetBytes(whole.Replace(text, replacement, StringComparison.Ordinal)));

        Assert.Equal($"header: Corrupt, {expected}", Verify()[0]);
    }

    [Fact]
    public void Keys_of_provenance_are_checked()
    {
        string digest = new('a', 64);
        Assert.Null(Fault("pique.version", GgufValue.Of("0.1.0")));
        Assert.Null(Fault("pique.configuration", GgufValue.Of(QatConfigJson.Write(QatConfig.PiQ3))));
        Assert.Null(Fault("pique.source_sha256", GgufValue.Of(digest)));
        Assert.Null(Fault("pique.rotation_seed", GgufValue.Of(-7L)));
        Assert.Null(Fault("pique.tensor_bits", GgufValue.Of((IReadOnlyList<int>)[3])));
        Assert.Null(Fault("pique.tensor_exact", GgufValue.Of((IReadOnlyList<bool>)[true])));
        Assert.Equal("key \"pique.version\" is UInt32, expected a version", Fault("pique.version", GgufValue.Of(1u)));
        Assert.Equal("key \"pique.configuration\" is String, expected a valid configuration", Fault("pique.configuration", GgufValue.Of("{\"bits\":9}")));
        Assert.Equal("key \"pique.source_sha256\" is String, expected 64 hexadecimal digits", Fault("pique.source_sha256", GgufValue.Of("a")));
        Assert.Equal("key \"pique.calibration_sha256\" is String, expected 64 hexadecimal digits", Fault("pique.calibration_sha256", GgufValue.Of(digest.ToUpperInvariant())));
        Assert.Equal("key \"pique.rotation_seed\" is Float32, expected a whole number", Fault("pique.rotation_seed", GgufValue.Of(1f)));
        Assert.Equal("key \"pique.tensor_bits\" is array of Int32 with 2 elements, expected 0, 2, 3, 4, 5 or 8 for each of the 1 tensors", Fault("pique.tensor_bits", GgufValue.Of((IReadOnlyList<int>)[3, 3])));
        Assert.Equal("key \"pique.tensor_bits\" is array of Int32 with 1 elements, expected 0, 2, 3, 4, 5 or 8 for each of the 1 tensors", Fault("pique.tensor_bits", GgufValue.Of((IReadOnlyList<int>)[7])));
        Assert.Equal("key \"pique.tensor_exact\" is array of Bool with 0 elements, expected a truth value for each of the 1 tensors", Fault("pique.tensor_exact", GgufValue.Of((IReadOnlyList<bool>)[])));

        string? Fault(string key, GgufValue value)
        {
            GgufMetadata metadata = new();
            metadata.Add(key, value);
            GgufWriter.Write(FilePath, metadata, [new("w", [1], GgufTensorType.F32, stream => stream.Write(new byte[4]))]);
            VerificationItem header = GgufVerifier.Verify(FilePath, "f")[0];
            return header.IsBad ? header.Detail : null;
        }
    }

    private byte[] Write()
    {
        GgufMetadata metadata = new();
        metadata.Add("general.name", "x");
        metadata.Add("x.numbers", (IReadOnlyList<int>)[1, 2]);
        GgufWriter.Write(FilePath, metadata,
        [
            new("a", [2], GgufTensorType.F32, stream => stream.Write([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])),
            new("b", [1, 16], GgufTensorType.F16, stream => stream.Write(new byte[32])),
            new("c", [2, 32], GgufTensorType.Q4_0, stream => stream.Write(new byte[36])),
        ]);
        return File.ReadAllBytes(FilePath);
    }

    private string[] Verify() => [.. GgufVerifier.Verify(FilePath, "f").Select(item => $"{item.Name}: {item.Status}, {item.Detail}")];

    private Place[] Places()
    {
        using GgufFile file = GgufFile.Open(FilePath);
        return [.. file.Tensors.Select(tensor => new Place(tensor.Name, tensor.Offset, tensor.Offset + tensor.ByteCount, GgufLimits.Align(tensor.Offset + tensor.ByteCount, file.Alignment)))];
    }

    private sealed record Place(string Name, long Begin, long End, long PaddedEnd);
}
