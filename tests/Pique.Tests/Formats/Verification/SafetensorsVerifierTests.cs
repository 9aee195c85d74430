using Pique.Formats.Safetensors;
using Pique.Formats.Verification;

namespace Pique.Tests.Formats.Verification;

public sealed class SafetensorsVerifierTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("w.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_as_it_was_written_is_ok()
    {
        Write();

        Assert.Equal(["header: Ok, digest matches", "a: Ok, digest matches", "b: Ok, digest matches", "codes: Ok, digest matches", "none: Ok, digest matches"], Verify());
    }

    [Fact]
    public void A_file_of_other_software_has_no_digests()
    {
        File.WriteAllBytes(FilePath, Hostile.HostileSafetensors.Valid());

        Assert.Equal(["header: NoDigest, structure ok, no digests recorded", "w: NoDigest, no digest recorded"], Verify());
    }

    [Fact]
    public void Every_flipped_bit_is_found_and_named()
    {
        byte[] whole = Write();
        Place[] places = Places();
        for (int position = 0; position < whole.Length; position++)
        {
            string part = places.FirstOrDefault(place => position >= place.Begin && position < place.End)?.Name ?? "header";
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] flipped = [.. whole];
                flipped[position] ^= (byte)(1 << bit);
                File.WriteAllBytes(FilePath, flipped);
                Assert.Equal([part], SafetensorsVerifier.Verify(FilePath, "f").Where(item => item.IsBad).Select(item => item.Name).Take(1));
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
            string[] cut = length < places[0].Begin ? ["header"] : [.. places.Where(place => place.End > Math.Max(length, place.Begin)).Select(place => place.Name)];
            Assert.Equal(cut, SafetensorsVerifier.Verify(FilePath, "f").Where(item => item.IsBad).Select(item => item.Name));
        }

        File.WriteAllBytes(FilePath, whole[..^4]);
        Assert.Equal(
            ["header: Ok, digest matches", "a: Ok, digest matches", "b: Corrupt, cut short: ends at byte 12 of the data, the file has 11", "codes: Corrupt, cut short: ends at byte 15 of the data, the file has 11", "none: Ok, digest matches"],
            Verify());
    }

    [Fact]
    public void Bytes_to_spare_are_found()
    {
        File.WriteAllBytes(FilePath, [.. Write(), 0, 0]);

        Assert.Equal("header: Corrupt, 2 bytes after the last tensor belong to nothing", Verify()[0]);
    }

    [Fact]
    public void A_changed_tensor_is_told_by_the_beginnings_of_both_digests()
    {
        byte[] whole = Write();
        whole[^1] ^= 1;
        File.WriteAllBytes(FilePath, whole);

        // SHA-256 of the bytes 1, 2, 2 and of 1, 2, 3.
        Assert.Equal("codes: Corrupt, digest differs: found 615e3707ec89…, recorded 039058c6f2c0…", Verify()[3]);
    }

    /// <summary>The tensor's digest is made of the NaN, so that only its value gives it away.</summary>
    [Theory]
    [InlineData(SafetensorsDtype.F32, "NaN", "w: NotFinite, holds 2 values that are not finite, the first NaN at [1, 0]")]
    [InlineData(SafetensorsDtype.F16, "Infinity", "w: NotFinite, holds 2 values that are not finite, the first Infinity at [1, 0]")]
    [InlineData(SafetensorsDtype.BF16, "-Infinity", "w: NotFinite, holds 2 values that are not finite, the first -Infinity at [1, 0]")]
    public void Values_that_are_not_finite_are_found(SafetensorsDtype dtype, string value, string expected)
    {
        float bad = float.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
        SafetensorsWriter.Write(FilePath, [SafetensorsEntry.FromBytes("w", dtype, [2, 2], Bytes(dtype, [1, 2, bad, bad]))]);

        Assert.Equal(["header: Ok, digest matches", expected], Verify());
    }

    [Fact]
    public void One_value_that_is_not_finite_in_a_tensor_larger_than_the_buffer_is_found_at_its_place()
    {
        float[] values = new float[600_000];
        values[555_555] = float.NaN;
        SafetensorsWriter.Write(FilePath, [SafetensorsEntry.FromBytes("w", SafetensorsDtype.F32, [600, 1000], Bytes(SafetensorsDtype.F32, values))]);

        Assert.Equal(["header: Ok, digest matches", "w: NotFinite, holds NaN at [555, 555]"], Verify());
    }

    [Theory]
    [InlineData("\"pique.header_sha256\":", "\"pique.header_sha255\":", "pique.header_sha256 is missing beside pique.tensor_sha256")]
    [InlineData("\"pique.tensor_sha256\":", "\"pique.tensor_sha255\":", "pique.tensor_sha256 is missing beside pique.header_sha256")]
    [InlineData("\"{\\\"a\\\":", "\"[\\\"a\\\":", "pique.tensor_sha256 is no JSON object of digests")]
    [InlineData("\"{\\\"a\\\":", "\"{\\\"z\\\":", "pique.tensor_sha256 names \"z\", which the file does not have")]
    [InlineData("\"pique.header_sha256\":\"", "\"pique.header_sha256\": ", "the safetensors header is no valid JSON")]
    public void Digests_that_are_damaged_are_told(string text, string replacement, string expected)
    {
        string whole = System.Text.Encoding.Latin1.GetString(Write());
        Assert.Contains(text, whole, StringComparison.Ordinal);
        File.WriteAllBytes(FilePath, System.Text.Encoding.Latin1.GetBytes(whole.Replace(text, replacement, StringComparison.Ordinal)));

        Assert.StartsWith($"header: Corrupt, {expected}", Verify()[0], StringComparison.Ordinal);
    }

    private byte[] Write()
    {
        SafetensorsWriter.Write(FilePath,
        [
            SafetensorsEntry.FromBytes("a", SafetensorsDtype.F32, [2], Bytes(SafetensorsDtype.F32, [1, 2])),
            SafetensorsEntry.FromBytes("b", SafetensorsDtype.BF16, [2], Bytes(SafetensorsDtype.BF16, [3, 4])),
            SafetensorsEntry.FromBytes("codes", SafetensorsDtype.U8, [3], new byte[] { 1, 2, 3 }),
            SafetensorsEntry.FromBytes("none", SafetensorsDtype.U8, [0], Array.Empty<byte>()),
        ]);
        return File.ReadAllBytes(FilePath);
    }

    private string[] Verify() => [.. SafetensorsVerifier.Verify(FilePath, "f").Select(item => $"{item.Name}: {item.Status}, {item.Detail}")];

    private Place[] Places()
    {
        using SafetensorsFile file = SafetensorsFile.Open(FilePath);
        return [.. file.Tensors.Select(tensor => new Place(tensor.Name, file.DataStart + tensor.Begin, file.DataStart + tensor.End))];
    }

    private static byte[] Bytes(SafetensorsDtype dtype, float[] values) => dtype switch
    {
        SafetensorsDtype.F16 => [.. values.SelectMany(value => BitConverter.GetBytes((Half)value))],
        SafetensorsDtype.BF16 => [.. values.SelectMany(value => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)))],
        _ => [.. values.SelectMany(BitConverter.GetBytes)],
    };

    private sealed record Place(string Name, long Begin, long End);
}
