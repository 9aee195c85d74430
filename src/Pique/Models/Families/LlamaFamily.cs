namespace Pique.Models.Families;

/// <summary>Llama: no bias unless "attention_bias" says so.</summary>
/// <remarks>Touvron et al. 2023, arXiv:2302.13971; Llama 3, arXiv:2407.21783.</remarks>
internal sealed class LlamaFamily : ModelFamily
{
    /// <inheritdoc/>
    public override string Architecture => "LlamaForCausalLM";

    /// <inheritdoc/>
    public override string ModelType => "llama";

    /// <inheritdoc/>
    public override string GgufArchitecture => "llama";

    /// <inheritdoc/>
    public override bool GgufInterleavesRotaryChannels => true;

    /// <inheritdoc/>
    public override bool AllowsAttentionBias => true;

    /// <inheritdoc/>
    public override bool NamesFeedForwardBias => true;
}
