namespace Pique.Models.Families;

/// <summary>What sets a family of Llama's relatives apart from the others. A closed choice: one file a family.</summary>
public abstract class ModelFamily
{
    private protected ModelFamily()
    {
    }

    /// <summary>Llama 2, 3, 3.1 and 3.2, SmolLM2, TinyLlama.</summary>
    public static ModelFamily Llama { get; } = new LlamaFamily();

    /// <summary>Mistral.</summary>
    public static ModelFamily Mistral { get; } = new MistralFamily();

    /// <summary>Qwen2 and Qwen2.5.</summary>
    public static ModelFamily Qwen2 { get; } = new Qwen2Family();

    /// <summary>Qwen3, the dense models.</summary>
    public static ModelFamily Qwen3 { get; } = new Qwen3Family();

    /// <summary>All families.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } = [Llama, Mistral, Qwen2, Qwen3];

    /// <summary>Name in "architectures" of config.json.</summary>
    public abstract string Architecture { get; }

    /// <summary>Name in "model_type" of config.json.</summary>
    public abstract string ModelType { get; }

    /// <summary>Name in "general.architecture" of a GGUF file.</summary>
    public abstract string GgufArchitecture { get; }

    /// <summary>Whether llama.cpp rotates neighbouring channels of this architecture's heads, so that rows of query and key projections change places in a GGUF file.</summary>
    public abstract bool GgufInterleavesRotaryChannels { get; }

    /// <summary>Whether query, key and value projections always have a bias, and the output projection never.</summary>
    public virtual bool HasQueryKeyValueBias => false;

    /// <summary>Whether "attention_bias" may give all four projections a bias.</summary>
    public virtual bool AllowsAttentionBias => false;

    /// <summary>Whether every head's query and key are normalized before they are rotated.</summary>
    public virtual bool NormalizesQueryAndKey => false;

    /// <summary>Whether a configuration says that feed-forward layers have no bias ("mlp_bias").</summary>
    public virtual bool NamesFeedForwardBias => false;

    /// <summary>When a window limits attention.</summary>
    public virtual SlidingWindowRule SlidingWindow => SlidingWindowRule.Never;

    /// <summary>Whether a configuration says how wide a head is ("head_dim") where that is hidden_size / num_attention_heads.</summary>
    public virtual bool NamesHeadSize => true;

    /// <summary>Width of a head where a configuration does not say; null for hidden_size / num_attention_heads.</summary>
    public virtual int? DefaultHeadSize => null;

    /// <summary>The families by their names in config.json, for messages.</summary>
    internal static string KnownNames { get; } = string.Join(", ", All.Select(family => $"{family.ModelType} ({family.Architecture})"));

    /// <summary>Base of the rotary embedding where a configuration does not say.</summary>
    public virtual float DefaultRopeTheta => 10000f;

    /// <inheritdoc/>
    public override string ToString() => ModelType;
}
