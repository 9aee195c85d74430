using System.Globalization;

namespace Pique.Formats.Gguf;

/// <summary>Names of a model's tensors: those of Hugging Face checkpoints and those of GGUF files.</summary>
internal static class GgufTensorNames
{
    /// <summary>Divisors of the rotary frequencies, for scaled positions; derived, no weight of the model.</summary>
    public const string RopeFrequencyFactors = "rope_freqs.weight";

    private const string CheckpointBlock = "model.layers.";
    private const string GgufBlock = "blk.";

    private static readonly (string Checkpoint, string Gguf)[] Ends =
        [("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")];

    private static readonly (string Checkpoint, string Gguf)[] InBlock =
    [
        ("input_layernorm", "attn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ];

    /// <summary>GGUF's name of a tensor.</summary>
    /// <param name="checkpointName">Name in the checkpoint, for example "model.layers.0.mlp.up_proj.weight".</param>
    /// <exception cref="ArgumentException">No such tensor is known.</exception>
    public static string ToGguf(string checkpointName) =>
        Translate(checkpointName, CheckpointBlock, GgufBlock, static pair => (pair.Checkpoint, pair.Gguf))
        ?? throw new ArgumentException($"{checkpointName}: has no name in GGUF", nameof(checkpointName));

    /// <summary>The checkpoint's name of a tensor; null where none is known.</summary>
    /// <param name="ggufName">Name in the file, for example "blk.0.ffn_up.weight".</param>
    public static string? ToCheckpoint(string ggufName) =>
        Translate(ggufName, GgufBlock, CheckpointBlock, static pair => (pair.Gguf, pair.Checkpoint));

    private static string? Translate(string name, string block, string otherBlock, Func<(string Checkpoint, string Gguf), (string From, string To)> direction)
    {
        int dot = name.LastIndexOf('.');
        if (dot < 0 || name[dot..] is not (".weight" or ".bias"))
            return null;
        (string stem, string suffix) = (name[..dot], name[dot..]);
        if (!stem.StartsWith(block, StringComparison.Ordinal))
            return Find(Ends, stem) is { } end ? end + suffix : null;

        int numberEnd = stem.IndexOf('.', block.Length);
        if (numberEnd < 0 || !int.TryParse(stem.AsSpan(block.Length, numberEnd - block.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int index))
            return null;
        return Find(InBlock, stem[(numberEnd + 1)..]) is { } layer ? string.Create(CultureInfo.InvariantCulture, $"{otherBlock}{index}.{layer}{suffix}") : null;

        string? Find((string, string)[] table, string wanted)
        {
            foreach ((string, string) pair in table)
            {
                (string from, string to) = direction(pair);
                if (from == wanted)
                    return to;
            }

            return null;
        }
    }
}
