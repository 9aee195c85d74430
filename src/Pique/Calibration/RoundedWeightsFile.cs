using Pique.Formats;
using Pique.Formats.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>The file of weights that second-order rounding left: a safetensors file with "NAME.weight", float32, for each rounded layer.</summary>
internal static class RoundedWeightsFile
{
    private const string Suffix = ".weight";

    /// <summary>Writes the weights atomically.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="weights">Weights by layer name, float32.</param>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> weights) =>
        SafetensorsWriter.Write(path, weights.Select(entry => new SafetensorsEntry(entry.Key + Suffix, SafetensorsDtype.F32, entry.Value.shape, stream => WriteContent(stream, entry.Value))));

    /// <summary>Writes the bytes of one weight, little-endian, line by line.</summary>
    /// <param name="stream">Where to write.</param>
    /// <param name="weight">The weight, float32.</param>
    public static void WriteContent(Stream stream, Tensor weight)
    {
        using DisposeScope scope = NewDisposeScope();
        TensorMemory.Visit(weight.cpu().contiguous(), (_, values) => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values)));
    }

    /// <summary>Reads the weights.</summary>
    /// <param name="path">File to read.</param>
    /// <param name="tensors">What the calibration file says of each layer.</param>
    /// <returns>Weights by layer name, owned by the caller.</returns>
    /// <exception cref="InputException">A weight belongs to no layer, or is of another type or shape.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path, IReadOnlyList<KeyValuePair<string, CalibratedTensor>> tensors)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Dictionary<string, CalibratedTensor> layers = tensors.ToDictionary(StringComparer.Ordinal);
        foreach (SafetensorsTensor stored in file.Tensors)
        {
            if (!stored.Name.EndsWith(Suffix, StringComparison.Ordinal) || !layers.TryGetValue(stored.Name[..^Suffix.Length], out CalibratedTensor? layer))
                throw new InputException($"{path}: tensor \"{stored.Name}\" belongs to no calibrated layer; calibrate again.");
            if (stored.Dtype != SafetensorsDtype.F32 || !stored.Shape.SequenceEqual([layer.Rows, layer.Columns]))
                throw new InputException($"{path}: tensor \"{stored.Name}\" is {stored.Dtype.FormatName()} {Shapes.Format(stored.Shape)}, expected F32 {Shapes.Format([layer.Rows, layer.Columns])}; calibrate again.");
        }

        using DisposeScope scope = NewDisposeScope();
        return file.Tensors.ToDictionary(
            stored => stored.Name[..^Suffix.Length],
            stored => tensor(file.ReadFloat32(stored.Name), [.. stored.Shape]).DetachFromDisposeScope(),
            StringComparer.Ordinal);
    }
}
