using System.Text.Json;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Formats.HuggingFace;

/// <summary>Reads and writes the JSON fields that describe a quantized weight.</summary>
/// <remarks>
/// "symmetric" tells two's complement from affine; "grid" stands only where neither fits, and "scale_levels" only where it is not 1.
/// </remarks>
internal static class PackedLayerJson
{
    /// <summary>What to do about a wrong field.</summary>
    public const string Fix = "write the model again with this version of Pique";

    private const string HalfInteger = "half_integer";
    private const int LeastActivationBits = 2;
    private const int MostActivationBits = 16;

    /// <summary>Writes the fields.</summary>
    /// <param name="json">Writer, inside an object.</param>
    /// <param name="tensor">The quantized weight.</param>
    public static void Write(Utf8JsonWriter json, QuantizedTensor tensor)
    {
        json.WriteNumber("bits", tensor.Bits);
        if (tensor.Grid.Kind == GridKind.HalfInteger)
            json.WriteString("grid", HalfInteger);
        json.WriteString("granularity", tensor.Granularity.GetType().Name);
        if (tensor.Granularity is QuantGranularity.PerBlock block)
            json.WriteNumber("block_size", block.BlockSize);
        json.WriteBoolean("symmetric", tensor.Grid.Symmetric);
        if (tensor.SubScales is not null)
            json.WriteNumber("scale_levels", 2);
        if (tensor.PiK is { } piK)
            json.WriteNumber("pi_k", piK);
    }

    /// <summary>Reads the fields; faults are added to theirs.</summary>
    /// <param name="entry">The object.</param>
    public static PackedLayer Read(JsonFields entry)
    {
        int bits = entry.Count("bits");
        if (bits is not (0 or 2 or 3 or 4 or 5 or 8))
            entry.Fault("bits", $"{bits}", "2, 3, 4, 5 or 8", Fix);
        int? activationBits = entry.Has("activation_bits") ? entry.Count("activation_bits") : null;
        if (activationBits is { } entering and not 0 and (< LeastActivationBits or > MostActivationBits))
            entry.Fault("activation_bits", $"{entering}", $"{LeastActivationBits} to {MostActivationBits}", Fix);
        bool twoLevels = entry.Has("scale_levels") && entry.Count("scale_levels", largest: 2) == 2;
        return new PackedLayer(new CodeGrid(bits, ReadKind(entry)), ReadGranularity(entry), twoLevels, entry.Has("pi_k") ? entry.Count("pi_k") : null, activationBits);
    }

    private static GridKind ReadKind(JsonFields entry)
    {
        bool symmetric = entry.Flag("symmetric", true);
        if (!entry.Has("grid"))
            return symmetric ? GridKind.TwosComplement : GridKind.Affine;
        entry.RequireText("grid", $"\"{HalfInteger}\"", Fix);
        if (!symmetric)
            entry.Fault("symmetric", "false", $"true with \"grid\": \"{HalfInteger}\"", Fix);
        return GridKind.HalfInteger;
    }

    private static QuantGranularity ReadGranularity(JsonFields entry)
    {
        string? name = entry.Text("granularity");
        switch (name)
        {
            case nameof(QuantGranularity.PerTensor):
                return new QuantGranularity.PerTensor();
            case nameof(QuantGranularity.PerToken):
                return new QuantGranularity.PerToken();
            case nameof(QuantGranularity.PerBlock):
                return new QuantGranularity.PerBlock(Math.Max(1, entry.Count("block_size")));
            case nameof(QuantGranularity.PerChannel):
                break;
            default:
                entry.Fault("granularity", name is null ? "no name" : $"\"{name}\"", "\"PerTensor\", \"PerChannel\", \"PerToken\" or \"PerBlock\"", Fix);
                break;
        }

        return new QuantGranularity.PerChannel();
    }
}
