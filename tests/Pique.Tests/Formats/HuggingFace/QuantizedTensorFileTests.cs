using Pique.Configuration;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Quantization;

namespace Pique.Tests.Formats.HuggingFace;

public sealed class QuantizedTensorFileTests : IDisposable
{
    private const string Key = "quantization_config";
    private const string Fix = "save the file again with this version of Pique";

    private static readonly QuantizedTensor TwoLevel =
        QuantizedTensorCases.Create(new CodeGrid(3, GridKind.Affine), new QuantGranularity.PerBlock(16), 2, 40, twoLevels: true);

    private readonly TemporaryFolder _temporary = new();

    private string FilePath => _temporary.File("weights.safetensors");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Every_bit_width_grid_and_granularity_comes_back_bit_for_bit()
    {
        Dictionary<string, QuantizedTensor> saved = QuantizedTensorCases.All();
        QuantizedTensorFile.Save(FilePath, saved);

        IReadOnlyDictionary<string, QuantizedTensor> loaded = QuantizedTensorFile.Load(FilePath);

        Assert.Equal(saved.Keys.Order(StringComparer.Ordinal), loaded.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, QuantizedTensor tensor) in saved)
            QuantizedTensorCases.AssertEqual(tensor, loaded[name]);
    }

    [Fact]
    public void No_weights_at_all_come_back()
    {
        QuantizedTensorFile.Save(FilePath, new Dictionary<string, QuantizedTensor>());
        Assert.Empty(QuantizedTensorFile.Load(FilePath));
    }

    [Fact]
    public void The_description_is_golden()
    {
        QuantizedTensorFile.Save(FilePath, new Dictionary<string, QuantizedTensor>
        {
            ["b"] = QuantizedTensorCases.Create(new CodeGrid(2, GridKind.HalfInteger), new QuantGranularity.PerChannel(), 3, 4, piK: 3),
            ["a"] = TwoLevel,
        });
        Assert.Equal(
            """{"quant_method":"pique","format_version":1,"layers":"""
            + """{"a":{"bits":3,"granularity":"PerBlock","block_size":16,"symmetric":false,"scale_levels":2,"rows":2,"columns":40}"""
            + ""","b":{"bits":2,"grid":"half_integer","granularity":"PerChannel","symmetric":true,"pi_k":3,"rows":3,"columns":4}}}""",
            Description());
    }

    [Fact]
    public void A_file_cut_short_anywhere_is_refused()
    {
        Save();
        byte[] whole = File.ReadAllBytes(FilePath);
        for (int length = 0; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(FilePath, whole[..length]);
            Assert.StartsWith($"{FilePath}: ", Assert.Throws<InputException>(() => QuantizedTensorFile.Load(FilePath)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(".codes")]
    [InlineData(".scales")]
    [InlineData(".sub_scales")]
    [InlineData(".zero_points")]
    public void A_missing_part_is_refused_by_name(string suffix)
    {
        Save();
        Rewrite(entries => entries.Where(entry => entry.Name != "w" + suffix));
        Assert.Equal($"{FilePath}: has no tensor \"w{suffix}\"; check that the file is the right one", Refusal());
    }

    [Theory]
    [InlineData(".codes", "[2, 15]", SafetensorsDtype.I8)]
    [InlineData(".scales", "[2, 1]", SafetensorsDtype.BF16)]
    [InlineData(".sub_scales", "[2, 3]", SafetensorsDtype.I8)]
    [InlineData(".zero_points", "[2, 3]", SafetensorsDtype.I8)]
    public void Another_dtype_is_refused_by_name(string suffix, string shape, SafetensorsDtype dtype)
    {
        Save();
        Rewrite(entries => entries.Select(entry => entry.Name == "w" + suffix ? entry with { Dtype = dtype } : entry));
        string expected = suffix == ".scales" ? "F16" : "U8";
        Assert.StartsWith($"{FilePath}: tensor \"w{suffix}\" is {dtype} of shape {shape}, expected {expected} of shape {shape}; ", Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".scales", 0, "scale 0 is 0, expected a finite number above zero.")]
    [InlineData(".sub_scales", 0, "sub-scale 0 is 0, expected 1 to 31.")]
    [InlineData(".sub_scales", 32, "sub-scale 0 is 32, expected 1 to 31.")]
    [InlineData(".zero_points", 8, "zero point 0 is 8, expected 0 to 7.")]
    public void Impossible_values_are_refused_by_name(string suffix, byte value, string fault)
    {
        Save();
        Rewrite(entries => entries.Select(entry => entry.Name != "w" + suffix ? entry : SafetensorsEntry.FromBytes(
            entry.Name, entry.Dtype, entry.Shape, Enumerable.Repeat(value, (int)entry.Shape.Aggregate((a, b) => a * b) * entry.Dtype.ElementBytes()).ToArray())));
        Assert.Equal($"{FilePath}: tensor \"w\": Quantized tensor: {fault} Fetch or export the model again.", Refusal());
    }

    [Fact]
    public void A_tensor_that_nothing_describes_is_refused()
    {
        Save();
        Rewrite(entries => [.. entries, SafetensorsEntry.FromBytes("x.codes", SafetensorsDtype.U8, [1], new byte[1])]);
        Assert.Equal($"{FilePath}: tensor \"x.codes\" belongs to no weight that the metadata describes; {Fix}", Refusal());
    }

    [Theory]
    [InlineData("\"bits\":3", "\"bits\":7", "layers.w.bits: found 7, expected 2, 3, 4, 5 or 8; write the model again with this version of Pique.")]
    [InlineData("\"bits\":3", "\"bits\":3,\"grid\":\"log\"", "2 faults\n  layers.w.grid: found \"log\", expected \"half_integer\"; write the model again with this version of Pique.\n  layers.w.symmetric: found false, expected true with \"grid\": \"half_integer\"; write the model again with this version of Pique.")]
    [InlineData("\"scale_levels\":2", "\"scale_levels\":3", "layers.w.scale_levels: found 3, expected a whole number from 1 to 2; " + Fix + ".")]
    [InlineData("\"columns\":40", "\"columns\":-1", "layers.w.columns: found -1, expected a whole number of at least 0; " + Fix + ".")]
    [InlineData(",\"rows\":2", "", "layers.w.rows: found nothing, expected a whole number of at least 0; " + Fix + ".")]
    [InlineData("\"format_version\":1", "\"format_version\":2", "format_version: found 2, expected 1; write the model again with this version of Pique.")]
    public void Faults_of_the_description_are_named(string text, string replacement, string faults)
    {
        Save();
        string description = Description();
        Assert.Contains(text, description, StringComparison.Ordinal);
        Rewrite(entries => entries, description.Replace(text, replacement, StringComparison.Ordinal));
        Assert.Equal($"{FilePath}: {faults}", Assert.Throws<ConfigurationException>(() => QuantizedTensorFile.Load(FilePath)).Message);
    }

    [Theory]
    [InlineData(null, $"its metadata has no \"{Key}\", so that it is no file of quantized weights; {Fix}")]
    [InlineData("[]", $"\"{Key}\" of its metadata is no JSON object; {Fix}")]
    public void Another_kind_of_file_is_refused(string? description, string fault)
    {
        SafetensorsWriter.Write(FilePath, [], description is null ? null : new Dictionary<string, string> { [Key] = description });
        Assert.Equal($"{FilePath}: {fault}", Refusal());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"layers\":1,\"layers\":2}")]
    [InlineData("{\"quant_method\":\"pique\",\"format_version\":1,\"layers\":{\"w\":{\"granularity\":\"\\ud800\"}}}")]
    public void A_description_that_is_no_json_is_refused(string description)
    {
        SafetensorsWriter.Write(FilePath, [], new Dictionary<string, string> { [Key] = description });
        Assert.StartsWith($"{FilePath}: \"{Key}\" of its metadata is no valid JSON (", Refusal(), StringComparison.Ordinal);
    }

    private void Save() => QuantizedTensorFile.Save(FilePath, new Dictionary<string, QuantizedTensor> { ["w"] = TwoLevel });

    private string Description()
    {
        using SafetensorsFile file = SafetensorsFile.Open(FilePath);
        return file.Metadata[Key];
    }

    private string Refusal() => Assert.Throws<InputException>(() => QuantizedTensorFile.Load(FilePath)).Message;

    private void Rewrite(Func<IEnumerable<SafetensorsEntry>, IEnumerable<SafetensorsEntry>> change, string? description = null) =>
        SafetensorsWriter.Write(FilePath, change(PackedLayer.Entries("w", TwoLevel)), new Dictionary<string, string> { [Key] = description ?? Description() });
}
