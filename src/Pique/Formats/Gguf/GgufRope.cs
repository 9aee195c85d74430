using System.Runtime.InteropServices;
using Pique.Models.Families;
using Pique.Models.Llama;

namespace Pique.Formats.Gguf;

/// <summary>Rotary positions in a file: their base, and how they are scaled.</summary>
/// <remarks>Linear scaling is a key. What each frequency of Llama 3.1's scaling is divided by is a tensor, which only the llama architecture reads; the four numbers it follows from are kept in a key of ours.</remarks>
internal static class GgufRope
{
    private const string Llama3Key = "pique.rope_scaling.llama3";

    /// <summary>Llama 3.1's numbers, of which every published file uses the last three.</summary>
    private static readonly RopeScaling.Llama3 Published = new(8f, 1f, 4f, 8192);

    /// <summary>Adds the keys.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="config">Shape of the model.</param>
    /// <exception cref="InputException">llama.cpp does not scale this architecture's positions so.</exception>
    public static void Write(GgufMetadata metadata, LlamaConfig config)
    {
        string architecture = config.Family.GgufArchitecture;
        metadata.Add($"{architecture}.rope.dimension_count", (uint)config.HeadSize);
        metadata.Add($"{architecture}.rope.freq_base", config.RopeTheta);
        switch (config.RopeScaling)
        {
            case RopeScaling.Linear linear:
                metadata.Add($"{architecture}.rope.scaling.type", "linear");
                metadata.Add($"{architecture}.rope.scaling.factor", linear.Factor);
                break;
            case RopeScaling.Llama3 when architecture != ModelFamily.Llama.GgufArchitecture:
                throw new InputException($"rope_scaling: is llama3, which llama.cpp does not compute for {architecture}; export to safetensors instead");
            case RopeScaling.Llama3 llama3:
                metadata.Add(Llama3Key, (IReadOnlyList<float>)[llama3.Factor, llama3.LowFrequencyFactor, llama3.HighFrequencyFactor, llama3.OriginalContextTokens]);
                break;
        }
    }

    /// <summary>The tensor of frequency divisors; null where the model needs none.</summary>
    /// <param name="config">Shape of the model.</param>
    public static GgufTensorEntry? FrequencyFactors(LlamaConfig config)
    {
        if (config.RopeScaling is not RopeScaling.Llama3 scaling)
            return null;
        float[] divisors = Divisors(scaling, config.HeadSize, config.RopeTheta);
        return new GgufTensorEntry(GgufTensorNames.RopeFrequencyFactors, [divisors.Length], GgufTensorType.F32, stream => stream.Write(MemoryMarshal.AsBytes(divisors.AsSpan())));
    }

    /// <summary>Base of the rotary embedding.</summary>
    public static float ReadTheta(GgufMetadata metadata, string architecture, ModelFamily family) =>
        metadata.FloatOrNull($"{architecture}.rope.freq_base") ?? family.DefaultRopeTheta;

    /// <summary>How the rotary embedding is scaled; null for not at all.</summary>
    /// <exception cref="InputException">It is scaled in a way that Pique does not compute.</exception>
    public static RopeScaling? ReadScaling(GgufFile file, string architecture, int headSize, float theta)
    {
        if (file.Contains(GgufTensorNames.RopeFrequencyFactors))
            return ReadLlama3(file, headSize, theta);
        string type = file.Metadata.TextOrNull($"{architecture}.rope.scaling.type") ?? "none";
        return type switch
        {
            "none" => null,
            "linear" => new RopeScaling.Linear(file.Metadata.Float($"{architecture}.rope.scaling.factor")),
            _ => throw new InputException($"{file.Path}: key \"{architecture}.rope.scaling.type\" is \"{type}\", expected none or linear; Pique computes no other scaling of positions, choose another model"),
        };
    }

    private static RopeScaling.Llama3 ReadLlama3(GgufFile file, int headSize, float theta)
    {
        const float Tolerance = 1e-5f;
        GgufTensor tensor = file[GgufTensorNames.RopeFrequencyFactors];
        float[] stored = new float[headSize / 2];
        if (Shapes.ElementCount(tensor.Shape) != stored.Length)
            throw new InputException($"{file.Path}: tensor \"{tensor.Name}\" is {Shapes.Format(tensor.Shape)}, expected [{stored.Length}], half the head size; export the model again");
        file.ReadFloat32(tensor.Name, 0, stored);
        RopeScaling.Llama3 scaling = file.Metadata.FloatsOrNull(Llama3Key) is [var factor, var low, var high, var context]
            ? new(factor, low, high, (int)context)
            : Published with { Factor = stored.Max() };
        float[] expected = scaling.Faults().Any() ? [] : Divisors(scaling, headSize, theta);
        return expected.Zip(stored).All(pair => MathF.Abs(pair.First - pair.Second) <= Tolerance * pair.First) && expected.Length > 0
            ? scaling
            : throw new InputException($"{file.Path}: tensor \"{tensor.Name}\" scales positions in a way that Pique does not compute, expected that of Llama 3.1; choose another model");
    }

    private static float[] Divisors(RopeScaling.Llama3 scaling, int headSize, float theta) =>
        Array.ConvertAll(scaling.FrequencyDivisors(headSize, theta), divisor => (float)divisor);
}
