using Pique.Models.Families;
using Pique.Models.Llama;

namespace Pique.Formats.Gguf;

/// <summary>The keys that say what network a file holds.</summary>
/// <remarks>https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, "LLM".</remarks>
internal static class GgufArchitecture
{
    private const string ArchitectureKey = "general.architecture";
    private const string QueryProjection = ".self_attn.q_proj.";
    private const string KeyProjection = ".self_attn.k_proj.";
    private const string OutputBias = "blk.0.attn_output.bias";

    /// <summary>Longest context accepted; beyond it a position is no exact float32.</summary>
    private const int MaxContextTokens = 1 << 24;

    /// <summary>Order of a weight's rows in a file.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="checkpointName">Name of the weight in the checkpoint.</param>
    public static RotaryRowOrder RowOrder(LlamaConfig config, string checkpointName) => new(
        config.Family.GgufInterleavesRotaryChannels && (checkpointName.Contains(QueryProjection, StringComparison.Ordinal) || checkpointName.Contains(KeyProjection, StringComparison.Ordinal))
            ? config.HeadSize
            : 0);

    /// <summary>Adds the keys.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="config">Shape of the model.</param>
    /// <param name="name">Name of the model.</param>
    /// <exception cref="InputException">llama.cpp has no such network.</exception>
    public static void Write(GgufMetadata metadata, LlamaConfig config, string name)
    {
        string architecture = config.Family.GgufArchitecture;
        if (config.AttentionBias && !config.Family.GgufInterleavesRotaryChannels)
            throw new InputException($"attention_bias: is true, but llama.cpp computes {architecture} without a bias on the output projection; export to safetensors instead");
        metadata.Add(ArchitectureKey, architecture);
        metadata.Add("general.type", "model");
        metadata.Add("general.name", name);
        Add("vocab_size", config.VocabularySize);
        Add("context_length", config.ContextTokens);
        Add("embedding_length", config.HiddenSize);
        Add("block_count", config.LayerCount);
        Add("feed_forward_length", config.IntermediateSize);
        Add("attention.head_count", config.HeadCount);
        Add("attention.head_count_kv", config.KeyValueHeadCount);
        Add("attention.key_length", config.HeadSize);
        Add("attention.value_length", config.HeadSize);
        if (config.SlidingWindow is { } window)
            Add("attention.sliding_window", window);
        metadata.Add($"{architecture}.attention.layer_norm_rms_epsilon", config.RmsNormEpsilon);
        GgufRope.Write(metadata, config);

        void Add(string key, int value) => metadata.Add($"{architecture}.{key}", (uint)value);
    }

    /// <summary>Reads the keys.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="InputException">A key is missing or wrong, or the network is none that Pique computes.</exception>
    public static LlamaConfig Read(GgufFile file)
    {
        string architecture = file.Metadata.Text(ArchitectureKey);
        bool hasWindow = file.Metadata.Contains($"{architecture}.attention.sliding_window");
        ModelFamily family = ModelFamily.All.Where(family => family.GgufArchitecture == architecture).OrderBy(family => (family.SlidingWindow == SlidingWindowRule.Never) == hasWindow).FirstOrDefault()
            ?? throw new InputException($"{file.Path}: {ArchitectureKey} is \"{architecture}\", expected one of {string.Join(", ", ModelFamily.All.Select(known => known.GgufArchitecture).Distinct())}; choose a model of one of these");
        if (Optional("expert_count") is > 0)
            throw new InputException($"{file.Path}: is a mixture of {Optional("expert_count")} experts, expected a dense model; choose one");

        int hiddenSize = Count("embedding_length");
        int headCount = Count("attention.head_count");
        int headSize = Optional("attention.key_length") ?? (hiddenSize % headCount == 0
            ? hiddenSize / headCount
            : throw new InputException($"{file.Path}: key \"{architecture}.attention.key_length\" is absent, expected it, since embedding_length {hiddenSize} is no multiple of attention.head_count {headCount}; export the model again"));
        RequireHeadSize("attention.value_length");
        RequireHeadSize("rope.dimension_count");
        return new LlamaConfig
        {
            Family = family,
            VocabularySize = checked((int)file["token_embd.weight"].Shape[0]),
            HiddenSize = hiddenSize,
            IntermediateSize = Count("feed_forward_length"),
            LayerCount = Count("block_count"),
            HeadCount = headCount,
            KeyValueHeadCount = Optional("attention.head_count_kv") ?? headCount,
            HeadSize = headSize,
            ContextTokens = Math.Min(Count("context_length"), MaxContextTokens),
            RmsNormEpsilon = file.Metadata.Float($"{architecture}.attention.layer_norm_rms_epsilon"),
            RopeTheta = GgufRope.ReadTheta(file.Metadata, architecture, family),
            RopeScaling = GgufRope.ReadScaling(file, architecture, headSize, GgufRope.ReadTheta(file.Metadata, architecture, family)),
            TieWordEmbeddings = !file.Contains("output.weight"),
            AttentionBias = file.Contains(OutputBias),
            SlidingWindow = family.SlidingWindow == SlidingWindowRule.Never ? null : Optional("attention.sliding_window"),
        };

        int Count(string key) => Whole(key, file.Metadata.Integer($"{architecture}.{key}"));
        int? Optional(string key) => file.Metadata.IntegerOrNull($"{architecture}.{key}") is { } value ? Whole(key, value, least: 0) : null;
        int Whole(string key, long value, int least = 1) => value >= least && value <= int.MaxValue
            ? (int)value
            : throw new InputException($"{file.Path}: key \"{architecture}.{key}\" is {value}, expected {least} to {int.MaxValue}; export the model again");
        void RequireHeadSize(string key)
        {
            if (Optional(key) is { } size && size != headSize)
                throw new InputException($"{file.Path}: key \"{architecture}.{key}\" is {size}, expected the head size {headSize}; Pique computes no other, choose another model");
        }
    }
}
