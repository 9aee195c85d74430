using System.Runtime.InteropServices;
using Pique.Configuration;
using Pique.Formats.Safetensors;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Formats.HuggingFace;

/// <summary>How a packed file describes one quantized weight, and the tensors that hold it.</summary>
/// <param name="Grid">The codes; the affine grid means that zero points are stored.</param>
/// <param name="Granularity">Which weights share a scale.</param>
/// <param name="TwoLevelScales">Whether scales are super-scales times sub-scales.</param>
/// <param name="PiK">k of the pi grid the scales were trained on; null for the uniform grid.</param>
/// <param name="ActivationBits">Bits of the activations entering the layer, quantized per token; null where they keep full precision.</param>
internal sealed record PackedLayer(CodeGrid Grid, QuantGranularity Granularity, bool TwoLevelScales, int? PiK, int? ActivationBits)
{
    /// <summary>What a layer's name lacks to be its weight's.</summary>
    public const string WeightSuffix = ".weight";

    /// <summary>Packed codes, U8, shape [rows, rowBytes].</summary>
    public const string CodesSuffix = ".codes";

    /// <summary>Scales, F16, shape [lines, blocksPerLine]; two-level ones' super-scales, shape [lines, ⌈lineWidth/256⌉].</summary>
    public const string ScalesSuffix = ".scales";

    /// <summary>Sub-scales, U8, shape [lines, blocksPerLine]; two-level scales only.</summary>
    public const string SubScalesSuffix = ".sub_scales";

    /// <summary>Zero points, U8, shape [lines, blocksPerLine]; affine grids only.</summary>
    public const string ZeroPointsSuffix = ".zero_points";

    /// <summary>What the names of the tensors that hold the weight add to its own.</summary>
    public IEnumerable<string> Suffixes =>
        [CodesSuffix, ScalesSuffix, .. TwoLevelScales ? (string[])[SubScalesSuffix] : [], .. Grid.Symmetric ? [] : (string[])[ZeroPointsSuffix]];

    /// <summary>The tensors that hold a quantized weight.</summary>
    /// <param name="name">Name of the weight.</param>
    /// <param name="tensor">The quantized weight.</param>
    public static IEnumerable<SafetensorsEntry> Entries(string name, QuantizedTensor tensor)
    {
        byte[] scales = MemoryMarshal.AsBytes(tensor.Scales.Span).ToArray();
        yield return SafetensorsEntry.FromBytes(name + CodesSuffix, SafetensorsDtype.U8, [tensor.Rows, BitPacking.RowBytes(tensor.Columns, tensor.Bits)], tensor.PackedCodes);
        yield return SafetensorsEntry.FromBytes(name + ScalesSuffix, SafetensorsDtype.F16, ScaleShape(tensor.Layout, tensor.SubScales is not null), scales);
        if (tensor.SubScales is { } subScales)
            yield return SafetensorsEntry.FromBytes(name + SubScalesSuffix, SafetensorsDtype.U8, tensor.Layout.ScaleShape, subScales);
        if (tensor.ZeroPoints is { } zeroPoints)
            yield return SafetensorsEntry.FromBytes(name + ZeroPointsSuffix, SafetensorsDtype.U8, tensor.Layout.ScaleShape, zeroPoints);
    }

    /// <summary>Reads a quantized weight after checking dtype and shape of each of its tensors.</summary>
    /// <param name="file">The packed weights.</param>
    /// <param name="name">Name of the weight.</param>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <exception cref="InputException">A tensor is missing, of another dtype or shape, or holds impossible values.</exception>
    public QuantizedTensor Read(SafetensorsFile file, string name, long rows, long columns)
    {
        GroupLayout layout = GroupLayout.For(Granularity, rows, columns);
        byte[] codes = ReadPart(file, name + CodesSuffix, SafetensorsDtype.U8, [rows, BitPacking.RowBytes(columns, Grid.Bits)]);
        byte[] scales = ReadPart(file, name + ScalesSuffix, SafetensorsDtype.F16, ScaleShape(layout, TwoLevelScales));
        byte[]? subScales = TwoLevelScales ? ReadPart(file, name + SubScalesSuffix, SafetensorsDtype.U8, layout.ScaleShape) : null;
        byte[]? zeroPoints = Grid.Symmetric ? null : ReadPart(file, name + ZeroPointsSuffix, SafetensorsDtype.U8, layout.ScaleShape);
        try
        {
            return new QuantizedTensor(rows, columns, Grid, Granularity, codes, MemoryMarshal.Cast<byte, Half>(scales).ToArray(), zeroPoints, subScales, PiK);
        }
        catch (InputException failure)
        {
            throw new InputException($"{file.Path}: tensor \"{MessageText.Name(name)}\": {failure.Message} Fetch or export the model again.", failure);
        }
    }

    private static long[] ScaleShape(GroupLayout layout, bool twoLevels) =>
        twoLevels ? [layout.LineCount, TwoLevelScale.SuperScalesPerLine(layout)] : layout.ScaleShape;

    private static byte[] ReadPart(SafetensorsFile file, string name, SafetensorsDtype dtype, long[] shape)
    {
        SafetensorsTensor part = file[name];
        if (part.Dtype != dtype || !part.Shape.SequenceEqual(shape))
            throw new InputException($"{file.Path}: tensor \"{MessageText.Name(name)}\" is {part.Dtype.FormatName()} of shape {Shapes.Format(part.Shape)}, expected {dtype.FormatName()} of shape {Shapes.Format(shape)}; use the config.json and the weights of one model");
        return file.ReadBytes(name);
    }
}
