namespace Pique.Models.Families;

/// <summary>Qwen3: every head's query and key are normalized; no bias unless "attention_bias" says so.</summary>
/// <remarks>Yang et al. 2025, arXiv:2505.09388, section 2.</remarks>
internal sealed class Qwen3Family : ModelFamily
{
    /// <inheritdoc/>
    public override string Architecture => "Qwen3ForCausalLM";

    /// <inheritdoc/>
    public override string ModelType => "qwen3";

    /// <inheritdoc/>
    public override string GgufArchitecture => "qwen3";

    /// <inheritdoc/>
    public override bool GgufInterleavesRotaryChannels => false;

    /// <inheritdoc/>
    public override bool AllowsAttentionBias => true;

    /// <inheritdoc/>
    public override bool NormalizesQueryAndKey => true;

    /// <inheritdoc/>
    public override int? DefaultHeadSize => 128;

    /// <inheritdoc/>
    public override SlidingWindowRule SlidingWindow => SlidingWindowRule.WhereSwitchedOn;
}
