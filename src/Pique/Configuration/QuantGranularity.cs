namespace Pique.Configuration;

/// <summary>Which weights share one scale. A closed choice.</summary>
public abstract record QuantGranularity
{
    private QuantGranularity()
    {
    }

    /// <summary>One scale for the whole tensor.</summary>
    public sealed record PerTensor : QuantGranularity;

    /// <summary>One scale per output row.</summary>
    public sealed record PerChannel : QuantGranularity;

    /// <summary>Weights as <see cref="PerChannel"/>; activations entering each quantized linear are fake-quantized per token as well.</summary>
    public sealed record PerToken : QuantGranularity;

    /// <summary>One scale per <paramref name="BlockSize"/> consecutive inputs of a row; a shorter tail is a block of its own.</summary>
    /// <param name="BlockSize">Weights that share a scale along the input dimension; at least 1.</param>
    public sealed record PerBlock(int BlockSize) : QuantGranularity;
}
