using System.Runtime.InteropServices;
using System.Text.Json;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Formats.Tokenizers;
using Pique.Models.Families;
using Pique.Models.Llama;
using Pique.Numerics;

namespace Pique.Benchmarks.LoraMemory;

/// <summary>Writes a checkpoint of random weights in bfloat16, a piece at a time.</summary>
internal static class RandomCheckpoint
{
    private const int PieceElements = 1 << 20;
    private const double Deviation = 0.02;

    /// <summary>The shape of Qwen2.5-0.5B: 494 million parameters.</summary>
    public static LlamaConfig Qwen25HalfBillion { get; } = new()
    {
        Family = ModelFamily.Qwen2,
        VocabularySize = 151_936,
        HiddenSize = 896,
        IntermediateSize = 4864,
        LayerCount = 24,
        HeadCount = 14,
        KeyValueHeadCount = 2,
        HeadSize = 64,
        ContextTokens = 32_768,
        RmsNormEpsilon = 1e-6f,
        RopeTheta = 1_000_000f,
        TieWordEmbeddings = true,
    };

    /// <summary>Writes the folder: gains of one, everything else uniform of deviation 0.02; a tokenizer of the 256 bytes, whose ids are the vocabulary's first.</summary>
    /// <param name="folder">Folder to write.</param>
    /// <param name="config">Shape of the model.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    public static void Write(string folder, LlamaConfig config, long seed)
    {
        TokenizerJsonWriter.Write(folder, BytePairTrainer.Train([], BytePairTrainer.MinimumVocabularySize));
        LoadedTokenizer tokenizer = TokenizerLoader.Load(folder);
        AtomicFile.Write(Path.Combine(folder, "config.json"), stream =>
        {
            using Utf8JsonWriter json = new(stream);
            LlamaConfigJson.Write(json, config, "bfloat16", tokenizer.Tokenizer);
        });
        ushort[] values = [.. Enumerable.Range(0, 1 << 16).Select(step => Narrow((float)(((step + 0.5) / (1 << 15)) - 1) * (float)(Deviation * Math.Sqrt(3))))];
        SafetensorsWriter.Write(
            Path.Combine(folder, "model.safetensors"),
            LlamaWeightShapes.Of(config).Select((weight, index) => new SafetensorsEntry(weight.Name, SafetensorsDtype.BF16, weight.Shape, stream =>
            {
                bool isGain = weight.Name.EndsWith("norm.weight", StringComparison.Ordinal);
                Fill(stream, weight.Shape.Aggregate((left, right) => left * right), isGain ? [Narrow(1)] : values, SplitMix64.ForStream(seed, index));
            })));
    }

    private static void Fill(Stream stream, long elements, ushort[] values, SplitMix64 random)
    {
        ushort[] piece = new ushort[Math.Min(PieceElements, elements)];
        for (long first = 0; first < elements; first += piece.Length)
        {
            Span<ushort> part = piece.AsSpan(0, (int)Math.Min(piece.Length, elements - first));
            ulong word = 0;
            for (int i = 0; i < part.Length; i++)
            {
                word = i % 4 == 0 ? random.NextUInt64() : word >> 16;
                part[i] = values[(int)((ushort)word % (uint)values.Length)];
            }

            stream.Write(MemoryMarshal.AsBytes(part));
        }
    }

    private static ushort Narrow(float value)
    {
        Span<ushort> narrow = stackalloc ushort[1];
        FloatConversion.NarrowBFloat16([value], narrow);
        return narrow[0];
    }
}
