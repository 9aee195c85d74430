using System.Runtime.InteropServices;
using Pique.Configuration;
using Pique.Formats.Safetensors;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Formats.HuggingFace;

/// <summary>How a packed folder describes one quantized weight, and the tensors that hold it.</summary>
/// <param name="Bits">Bits a code.</param>
/// <param name="Granularity">Which weights share a scale.</param>
/// <param name="Symmetric">Whether the grid is two's complement; false means zero points are stored.</param>
/// <param name="PiK">k of the pi grid the scales were trained on; null for the uniform grid.</param>
/// <param name="ActivationBits">Bits of the activations entering the layer, quantized per token; null where they keep full precision.</param>
internal sealed record PackedLayer(int Bits, QuantGranularity Granularity, bool Symmetric, int? PiK, int? ActivationBits)
{
    /// <summary>What a layer's name lacks to be its weight's.</summary>
    public const string WeightSuffix = ".weight";

    /// <summary>Packed codes, U8, shape [rows, rowBytes].</summary>
    public const string CodesSuffix = ".codes";

    /// <summary>Scales, F16, shape [lines, blocksPerLine].</summary>
    public const string ScalesSuffix = ".scales";

    /// <summary>Zero points, U8, shape of the scales; affine grids only.</summary>
    public const string ZeroPointsSuffix = ".zero_points";

    /// <summary>The tensors that hold a quantized weight.</summary>
    /// <param name="name">Name of the weight.</param>
    /// <param name="tensor">The quantized weight.</param>
    public static IEnumerable<SafetensorsEntry> Entries(string name, QuantizedTensor tensor)
    {
        byte[] scales = MemoryMarshal.AsBytes(tensor.Scales.Span).ToArray();
        yield return SafetensorsEntry.FromBytes(name + CodesSuffix, SafetensorsDtype.U8, [tensor.Rows, BitPacking.RowBytes(tensor.Columns, tensor.Bits)], tensor.PackedCodes);
        yield return SafetensorsEntry.FromBytes(name + ScalesSuffix, SafetensorsDtype.F16, tensor.Layout.ScaleShape, scales);
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
        byte[] codes = ReadPart(file, name + CodesSuffix, SafetensorsDtype.U8, [rows, BitPacking.RowBytes(columns, Bits)]);
        byte[] scales = ReadPart(file, name + ScalesSuffix, SafetensorsDtype.F16, layout.ScaleShape);
        byte[]? zeroPoints = Symmetric ? null : ReadPart(file, name + ZeroPointsSuffix, SafetensorsDtype.U8, layout.ScaleShape);
        try
        {
            return new QuantizedTensor(rows, columns, new CodeGrid(Bits, Symmetric ? GridKind.TwosComplement : GridKind.Affine), Granularity, codes, MemoryMarshal.Cast<byte, Half>(scales).ToArray(), zeroPoints, piK: PiK);
        }
        catch (InputException failure)
        {
            throw new InputException($"{file.Path}: tensor \"{name}\": {failure.Message} Fetch or export the model again.", failure);
        }
    }

    private static byte[] ReadPart(SafetensorsFile file, string name, SafetensorsDtype dtype, long[] shape)
    {
        SafetensorsTensor part = file[name];
        if (part.Dtype != dtype || !part.Shape.SequenceEqual(shape))
            throw new InputException($"{file.Path}: tensor \"{name}\" is {part.Dtype.FormatName()} of shape {Shapes.Format(part.Shape)}, expected {dtype.FormatName()} of shape {Shapes.Format(shape)}; use the config.json and the weights of one model");
        return file.ReadBytes(name);
    }
}
