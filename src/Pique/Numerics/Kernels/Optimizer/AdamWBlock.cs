namespace Pique.Numerics.Kernels;

/// <summary>Where the float32 values of a block are: in the parameter's memory, or in a buffer where they are held in fewer bits.</summary>
internal readonly unsafe struct AdamWBlock
{
    /// <summary>Finds the places.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="first">First weight of the block.</param>
    /// <param name="buffer">Room for three blocks.</param>
    public AdamWBlock(in AdamWParameter parameter, long first, float* buffer)
    {
        Weights = parameter.HalfWeights != null ? buffer : parameter.Weights + first;
        Gradients = parameter.Gradients + first;
        First = parameter.FirstCodes != null ? buffer + TensorSequence.BlockWeights : parameter.First + first;
        Second = parameter.FirstCodes != null ? buffer + (2 * TensorSequence.BlockWeights) : parameter.Second + first;
    }

    /// <summary>Weights.</summary>
    public float* Weights { get; }

    /// <summary>Gradient.</summary>
    public float* Gradients { get; }

    /// <summary>First moments.</summary>
    public float* First { get; }

    /// <summary>Second moments.</summary>
    public float* Second { get; }
}
