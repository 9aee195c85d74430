using System.Runtime.InteropServices;
using Pique.Formats.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Formats.Gguf.Export;

/// <summary>A weight written as floats.</summary>
/// <param name="weight">float32, on the CPU.</param>
/// <param name="order">Order of its rows in the file.</param>
internal sealed class FloatTensor(Tensor weight, RotaryRowOrder order)
{
    /// <summary>The float type of fewest bits that holds every value exactly; float16 where both of 16 bits do.</summary>
    public GgufTensorType SmallestExactType() => Holds(GgufTensorType.F16) ? GgufTensorType.F16 : Holds(GgufTensorType.BF16) ? GgufTensorType.BF16 : GgufTensorType.F32;

    /// <summary>Whether a float type holds every value exactly.</summary>
    /// <param name="type">F32, F16 or BF16.</param>
    public bool Holds(GgufTensorType type)
    {
        if (type == GgufTensorType.F32)
            return true;
        bool exact = true;
        TensorMemory.Visit(weight, (_, values) =>
        {
            if (!exact)
                return;
            float[] readBack = new float[values.Length];
            GgufBlocks.Dequantize(type, Narrow(type, values), readBack);
            exact = values.SequenceEqual(readBack);
        });
        return exact;
    }

    /// <summary>Writes all values, rounded to the type.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    public void Write(Stream stream, GgufTensorType type)
    {
        using DisposeScope scope = NewDisposeScope();
        TensorMemory.Visit(order.Permutes ? InFileOrder() : weight, (_, values) =>
            stream.Write(type == GgufTensorType.F32 ? MemoryMarshal.AsBytes(values) : Narrow(type, values)));
    }

    private Tensor InFileOrder()
    {
        long[] rows = new long[weight.shape[0]];
        for (long row = 0; row < rows.Length; row++)
            rows[row] = order.CheckpointRow(row);
        return weight.detach().index_select(0, tensor(rows));
    }

    private static byte[] Narrow(GgufTensorType type, ReadOnlySpan<float> values)
    {
        byte[] bytes = new byte[values.Length * sizeof(ushort)];
        if (type == GgufTensorType.BF16)
            FloatConversion.NarrowBFloat16(values, MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()));
        else
            FloatConversion.NarrowHalf(values, MemoryMarshal.Cast<byte, Half>(bytes.AsSpan()));
        return bytes;
    }
}
