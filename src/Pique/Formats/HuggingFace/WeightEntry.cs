using System.Runtime.InteropServices;
using Pique.Formats.Safetensors;

namespace Pique.Formats.HuggingFace;

/// <summary>Writes a weight's values piece by piece, refusing what is not finite.</summary>
internal static class WeightEntry
{
    /// <summary>An entry of a weight.</summary>
    /// <param name="weight">The weight; read when the entry is written.</param>
    /// <param name="dtype">F32 or BF16.</param>
    public static SafetensorsEntry Create(ModelWeight weight, SafetensorsDtype dtype) =>
        new(weight.Name, dtype, weight.Shape, stream => weight.Visit((firstElement, values) => WritePiece(stream, weight.Name, weight.Shape, dtype, firstElement, values)));

    private static void WritePiece(Stream stream, string name, long[] shape, SafetensorsDtype dtype, long firstElement, Span<float> values)
    {
        int index = FiniteCheck.IndexOfNonFinite(values);
        if (index >= 0)
            throw new RunFailedException($"{name}: holds {FiniteCheck.Describe(values[index], shape, firstElement + index)}, expected finite weights; the training diverged, lower its learning rate");
        if (dtype == SafetensorsDtype.F32)
        {
            stream.Write(MemoryMarshal.AsBytes(values));
            return;
        }

        ushort[] narrow = new ushort[values.Length];
        FloatConversion.NarrowBFloat16(values, narrow);
        stream.Write(MemoryMarshal.AsBytes(narrow.AsSpan()));
    }
}
