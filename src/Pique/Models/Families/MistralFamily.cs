namespace Pique.Models.Families;

/// <summary>Mistral: a Llama without biases whose tokens attend at most a window back. In GGUF it is a llama.</summary>
/// <remarks>Jiang et al. 2023, arXiv:2310.06825, section 2.</remarks>
internal sealed class MistralFamily : ModelFamily
{
    /// <inheritdoc/>
    public override string Architecture => "MistralForCausalLM";

    /// <inheritdoc/>
    public override string ModelType => "mistral";

    /// <inheritdoc/>
    public override string GgufArchitecture => "llama";

    /// <inheritdoc/>
    public override bool GgufInterleavesRotaryChannels => true;

    /// <inheritdoc/>
    public override SlidingWindowRule SlidingWindow => SlidingWindowRule.WhereGiven;
}
