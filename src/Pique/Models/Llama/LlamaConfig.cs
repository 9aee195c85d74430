using Pique.Models.Families;

namespace Pique.Models.Llama;

/// <summary>Shape of a Llama model or one of its relatives. Names follow the keys of the checkpoint's config.json.</summary>
public sealed record LlamaConfig
{
    /// <summary>Which relative of the Llama it is (model_type).</summary>
    public ModelFamily Family { get; init; } = ModelFamily.Llama;

    /// <summary>Token ids (vocab_size).</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of the residual stream (hidden_size).</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the feed-forward layer (intermediate_size).</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Transformer blocks (num_hidden_layers).</summary>
    public required int LayerCount { get; init; }

    /// <summary>Query heads (num_attention_heads).</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key/value heads (num_key_value_heads); divides <see cref="HeadCount"/>.</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Width of a head (head_dim; hidden_size / num_attention_heads where absent).</summary>
    public required int HeadSize { get; init; }

    /// <summary>Longest sequence the model was published for (max_position_embeddings), which <see cref="UsableContextTokens"/> may undercut.</summary>
    public required int ContextTokens { get; init; }

    /// <summary>ε of RMSNorm (rms_norm_eps).</summary>
    public float RmsNormEpsilon { get; init; } = 1e-5f;

    /// <summary>Base of the rotary embedding (rope_theta).</summary>
    public float RopeTheta { get; init; } = 10000f;

    /// <summary>How rotary positions are stretched (rope_scaling); null for not at all.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>How many tokens back a token attends, itself included (sliding_window); null for all. It limits <see cref="UsableContextTokens"/> and is not computed.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>First layer that the window limits (max_window_layers); those before it attend to all tokens. 0 where there is no window.</summary>
    public int FirstWindowedLayer { get; init; }

    /// <summary>Whether all four attention projections have a bias (attention_bias).</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the output head is the embedding (tie_word_embeddings).</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Longest sequence that Pique runs: no longer than the window, so that attention to all tokens and attention within the window are the same function.</summary>
    /// <remarks>Runtimes differ in whether they compute the window; within it they agree with one another and with Pique.</remarks>
    public int UsableContextTokens => Math.Min(ContextTokens, SlidingWindow ?? ContextTokens);

    /// <summary>Whether query, key and value projections have a bias.</summary>
    internal bool HasQueryKeyValueBias => AttentionBias || Family.HasQueryKeyValueBias;

    /// <summary>Throws where no model of this shape exists.</summary>
    /// <exception cref="InputException">Names every fault at once.</exception>
    internal void ThrowIfImpossible()
    {
        List<string> faults = [];
        RequirePositive(VocabularySize, "vocab_size");
        RequirePositive(HiddenSize, "hidden_size");
        RequirePositive(IntermediateSize, "intermediate_size");
        RequirePositive(LayerCount, "num_hidden_layers");
        RequirePositive(HeadCount, "num_attention_heads");
        RequirePositive(KeyValueHeadCount, "num_key_value_heads");
        RequirePositive(HeadSize, "head_dim");
        RequirePositive(ContextTokens, "max_position_embeddings");
        if (KeyValueHeadCount > 0 && HeadCount % KeyValueHeadCount != 0)
            faults.Add($"num_attention_heads is {HeadCount}, no multiple of num_key_value_heads {KeyValueHeadCount}");
        if (HeadSize % 2 != 0)
            faults.Add($"head_dim is {HeadSize}; rotary positions need an even one");
        if (!(RmsNormEpsilon > 0) || !float.IsFinite(RmsNormEpsilon))
            faults.Add(FormattableString.Invariant($"rms_norm_eps is {RmsNormEpsilon}, expected a finite number above 0"));
        if (!(RopeTheta > 0) || !float.IsFinite(RopeTheta))
            faults.Add(FormattableString.Invariant($"rope_theta is {RopeTheta}, expected a finite number above 0"));
        if (AttentionBias && !Family.AllowsAttentionBias)
            faults.Add($"attention_bias is true, which the family {Family} does not have");
        faults.AddRange(RopeScaling?.Faults().Select(fault => $"rope_scaling: {fault}") ?? []);
        AddWindowFaults(faults);
        if (faults.Count > 0)
            throw new InputException($"{Family} configuration: {string.Join("; ", faults)}. Correct these values.");

        void RequirePositive(int count, string key)
        {
            if (count <= 0)
                faults.Add($"{key} is {count}, expected at least 1");
        }
    }

    private void AddWindowFaults(List<string> faults)
    {
        if (SlidingWindow is { } window)
        {
            if (Family.SlidingWindow == SlidingWindowRule.Never)
                faults.Add($"sliding_window is {window}, which the family {Family} does not have");
            if (window < 1)
                faults.Add($"sliding_window is {window}, expected at least 1");
        }

        bool mayBeginLater = SlidingWindow is not null && Family.SlidingWindow == SlidingWindowRule.WhereSwitchedOn;
        int last = mayBeginLater ? Math.Max(0, LayerCount - 1) : 0;
        if (FirstWindowedLayer < 0 || FirstWindowedLayer > last)
            faults.Add($"max_window_layers is {FirstWindowedLayer}, expected {(mayBeginLater ? $"0 to {last}" : "0, since no window begins at a later layer")}");
    }
}
