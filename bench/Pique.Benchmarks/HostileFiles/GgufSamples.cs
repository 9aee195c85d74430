using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Models.Llama;

namespace Pique.Benchmarks.HostileFiles;

/// <summary>Valid GGUF files.</summary>
internal static class GgufSamples
{
    /// <summary>A file with values and tensors of every type.</summary>
    /// <param name="path">File to write.</param>
    /// <returns>The path.</returns>
    public static string AllTypes(string path)
    {
        GgufMetadata metadata = new();
        metadata.Add("general.alignment", 32u);
        metadata.Add("general.name", "soak");
        metadata.Add("x.u8", GgufValue.Of((byte)1));
        metadata.Add("x.i16", GgufValue.Of((short)-2));
        metadata.Add("x.u64", 3ul);
        metadata.Add("x.f32", 0.5f);
        metadata.Add("x.f64", GgufValue.Of(0.25));
        metadata.Add("x.flag", true);
        metadata.Add("x.texts", (IReadOnlyList<string>)["a", "", "▁größe"]);
        metadata.Add("x.floats", (IReadOnlyList<float>)[1, 2, 3]);
        metadata.Add("x.flags", (IReadOnlyList<bool>)[true, false]);
        metadata.Add("x.nested", GgufValue.Of((IReadOnlyList<GgufValue>)[GgufValue.Of((IReadOnlyList<int>)[1, 2]), GgufValue.Of((IReadOnlyList<string>)["b"])]));
        metadata.Add("pique.tensor_bits", (IReadOnlyList<int>)[.. Enum.GetValues<GgufTensorType>().Select(_ => 4)]);
        GgufWriter.Write(path, metadata, [.. Enum.GetValues<GgufTensorType>().Select((type, index) => Zeros($"t.{type.Name()}", [1 + (index % 2), type.BlockWeights()], type))]);
        return path;
    }

    /// <summary>A Llama of one layer.</summary>
    /// <param name="path">File to write.</param>
    /// <returns>The path.</returns>
    public static string Model(string path)
    {
        LlamaConfig config = SoakSubjects.Shape with { HiddenSize = 32, IntermediateSize = 32, HeadSize = 16 };
        GgufMetadata metadata = new();
        GgufArchitecture.Write(metadata, config, "soak");
        GgufWriter.Write(path, metadata,
        [
            .. LlamaWeightShapes.Of(config).Select((weight, index) => Zeros(
                GgufTensorNames.ToGguf(weight.Name), weight.Shape, weight.Shape.Length == 1 ? GgufTensorType.F32 : index % 2 == 0 ? GgufTensorType.Q4_0 : GgufTensorType.F16)),
        ]);
        return path;
    }

    private static GgufTensorEntry Zeros(string name, long[] shape, GgufTensorType type) => new(name, shape, type, stream => stream.Write(new byte[type.ByteCount(shape)]));
}
