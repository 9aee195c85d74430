namespace Pique.Models.Families;

/// <summary>Qwen2 and Qwen2.5: query, key and value projections have a bias.</summary>
/// <remarks>Yang et al. 2024, arXiv:2407.10671, section 2.2.</remarks>
internal sealed class Qwen2Family : ModelFamily
{
    /// <inheritdoc/>
    public override string Architecture => "Qwen2ForCausalLM";

    /// <inheritdoc/>
    public override string ModelType => "qwen2";

    /// <inheritdoc/>
    public override string GgufArchitecture => "qwen2";

    /// <inheritdoc/>
    public override bool GgufInterleavesRotaryChannels => false;

    /// <inheritdoc/>
    public override bool HasQueryKeyValueBias => true;

    /// <inheritdoc/>
    public override bool NamesHeadSize => false;

    /// <inheritdoc/>
    public override SlidingWindowRule SlidingWindow => SlidingWindowRule.WhereSwitchedOn;
}
