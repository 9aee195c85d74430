using Pique.Formats.Gguf.Carriers;
using Pique.Quantization;
using static TorchSharp.torch;

namespace Pique.Formats.Gguf.Export;

/// <summary>How one tensor is to be written, decided before anything is.</summary>
/// <param name="Entry">What the writer needs.</param>
/// <param name="Exported">What the user is told.</param>
internal sealed record TensorPlan(GgufTensorEntry Entry, GgufExportedTensor Exported)
{
    /// <summary>Plans a weight that is not quantized.</summary>
    /// <param name="name">Name in the checkpoint.</param>
    /// <param name="weight">float32, on the CPU; read again when it is written.</param>
    /// <param name="order">Order of its rows in the file.</param>
    /// <param name="forced">Float type asked for; null for the smallest exact one. Vectors are always float32, as runtimes want them.</param>
    /// <exception cref="InputException">The type asked for does not hold the weight exactly.</exception>
    public static TensorPlan OfFloats(string name, Tensor weight, RotaryRowOrder order, GgufTensorType? forced)
    {
        FloatTensor floats = new(weight, order);
        GgufTensorType type = weight.dim() < 2 ? GgufTensorType.F32 : forced ?? floats.SmallestExactType();
        if (!floats.Holds(type))
            throw Inexact(name, type, "its values need more bits");
        return Of(name, weight.shape, type, null, exact: true, stream => floats.Write(stream, type));
    }

    /// <summary>Plans a quantized weight.</summary>
    /// <param name="name">Name in the checkpoint.</param>
    /// <param name="tensor">The weight.</param>
    /// <param name="order">Order of its rows in the file.</param>
    /// <param name="forced">Type asked for; null for the most compact exact one, or float16 where there is none.</param>
    /// <exception cref="InputException">The type asked for does not hold the weight exactly.</exception>
    public static TensorPlan OfCodes(string name, QuantizedTensor tensor, RotaryRowOrder order, GgufTensorType? forced)
    {
        Carrier? carrier = forced is { } type ? CarrierChoice.Of(type) : CarrierChoice.For(tensor);
        long[] shape = [tensor.Rows, tensor.Columns];
        if (carrier is null)
            return OfDequantized(name, tensor, order, forced);
        if (forced is not null && !CarrierEncoder.Holds(tensor, carrier))
            throw Inexact(name, carrier.Type, Reason(tensor, carrier.Type));
        return Of(name, shape, carrier.Type, tensor.Bits, exact: true, stream => Write(stream, tensor, carrier, order));
    }

    private static TensorPlan OfDequantized(string name, QuantizedTensor tensor, RotaryRowOrder order, GgufTensorType? forced)
    {
        GgufTensorType type = forced ?? GgufTensorType.F16;
        bool exact;
        using (Tensor weights = tensor.Dequantize())
            exact = new FloatTensor(weights, order).Holds(type);
        if (forced is not null && !exact)
            throw Inexact(name, type, "its values need more bits");
        return Of(name, [tensor.Rows, tensor.Columns], type, tensor.Bits, exact, stream =>
        {
            using Tensor weights = tensor.Dequantize();
            new FloatTensor(weights, order).Write(stream, type);
        });
    }

    private static void Write(Stream stream, QuantizedTensor tensor, Carrier carrier, RotaryRowOrder order)
    {
        CarrierEncoder encoder = new(tensor, carrier);
        for (long row = 0; row < tensor.Rows; row++)
        {
            if (!encoder.TryEncode(order.CheckpointRow(row)))
                throw new InvalidOperationException($"row {row} is not exact in {carrier.Type.Name()}, which was found to hold the whole matrix");
            stream.Write(encoder.Blocks);
        }
    }

    private static TensorPlan Of(string name, long[] shape, GgufTensorType type, int? codeBits, bool exact, Action<Stream> write)
    {
        string ggufName = GgufTensorNames.ToGguf(name);
        return new(new GgufTensorEntry(ggufName, shape, type, write), new GgufExportedTensor(name, ggufName, shape, type, codeBits, exact));
    }

    private static string Reason(QuantizedTensor tensor, GgufTensorType type) => tensor.Columns % type.BlockWeights() != 0
        ? $"its rows of {tensor.Columns} weights are no multiple of {type.BlockWeights()}"
        : $"{tensor.Bits} bits, {GridText.Of(tensor)}, {tensor.Granularity}";

    private static InputException Inexact(string name, GgufTensorType type, string reason) =>
        new($"{name}: cannot be written as {type.Name()} exactly ({reason}); export without naming a type, which chooses an exact one for every tensor");
}
