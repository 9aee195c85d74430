using System.Text.Json;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Tests.Quantization;

/// <summary>A case of Golden/fake_quantize.json, which Golden/make_fake_quantize.py makes with PyTorch.</summary>
internal sealed class GoldenFakeQuantizeCase
{
    private static readonly JsonElement Root = Load();
    private readonly JsonElement _entry;

    private GoldenFakeQuantizeCase(JsonElement entry) => _entry = entry;

    internal static int Rows { get; } = Root.GetProperty("rows").GetInt32();

    internal static int Columns { get; } = Root.GetProperty("columns").GetInt32();

    internal static float[] Upstream { get; } = Floats(Root.GetProperty("upstream"));

    internal static IReadOnlyList<GoldenFakeQuantizeCase> All { get; } = [.. Root.GetProperty("cases").EnumerateArray().Select(entry => new GoldenFakeQuantizeCase(entry))];

    internal string Name => Text("name");

    internal string Estimator => Text("estimator");

    internal GridKind Kind => Text("grid") switch
    {
        "twos_complement" => GridKind.TwosComplement,
        "affine" => GridKind.Affine,
        "half_integer" => GridKind.HalfInteger,
        string other => throw new InvalidOperationException(other),
    };

    internal QuantGranularity Granularity => Text("granularity") switch
    {
        "tensor" => new QuantGranularity.PerTensor(),
        "channel" => new QuantGranularity.PerChannel(),
        "block" => new QuantGranularity.PerBlock(Root.GetProperty("block_size").GetInt32()),
        string other => throw new InvalidOperationException(other),
    };

    internal WeightQuantizationSpec Spec => new(
        _entry.GetProperty("bits").GetInt32(),
        Granularity,
        SteVariant(),
        _entry.TryGetProperty("pi_k", out JsonElement k) ? k.GetInt32() : null,
        Kind);

    /// <summary>The numbers of a field, null where the case has none.</summary>
    internal float[]? Values(string key) => _entry.TryGetProperty(key, out JsonElement field) ? Floats(field) : null;

    private SteVariant SteVariant() => Estimator switch
    {
        "lsq" => new SteVariant.LearnedStepSize(),
        "clipped" => new SteVariant.Clipped(_entry.GetProperty("constant").GetSingle()),
        "ewgs_signed" => new SteVariant.EwgsSigned(_entry.GetProperty("constant").GetSingle()),
        "ewgs" => new SteVariant.Ewgs(_entry.GetProperty("constant").GetSingle()),
        string other => throw new InvalidOperationException(other),
    };

    private string Text(string key) => _entry.GetProperty(key).GetString()!;

    private static float[] Floats(JsonElement array) => [.. array.EnumerateArray().Select(number => number.GetSingle())];

    private static JsonElement Load()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Quantization", "Golden", "fake_quantize.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.Clone();
    }
}
