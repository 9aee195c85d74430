namespace Pique.Numerics.Kernels;

/// <summary>One parameter of an update: its memory, and what its group and its place in the run decide.</summary>
internal unsafe struct AdamWParameter
{
    /// <summary>Weights in float32; null where they are bfloat16.</summary>
    public float* Weights;

    /// <summary>Weights in bfloat16; null where they are float32.</summary>
    public ushort* HalfWeights;

    /// <summary>Gradient.</summary>
    public float* Gradients;

    /// <summary>First moments in float32; null where both moments are codes.</summary>
    public float* First;

    /// <summary>Second moments in float32.</summary>
    public float* Second;

    /// <summary>Codes of the first moments; null where both moments are float32.</summary>
    public byte* FirstCodes;

    /// <summary>Codes of the second moments.</summary>
    public byte* SecondCodes;

    /// <summary>Largest first moment of every block.</summary>
    public float* FirstScales;

    /// <summary>Largest second moment of every block.</summary>
    public float* SecondScales;

    /// <summary>1 − η·λ.</summary>
    public float Decay;

    /// <summary>η / (1 − β₁ᵗ).</summary>
    public float Step;

    /// <summary>State of the random stream that rounds bfloat16 weights.</summary>
    public ulong RandomState;
}

/// <summary>What is the same for all parameters of an update.</summary>
internal struct AdamWConstants
{
    /// <summary>What clipping multiplies gradients by; 1 for none.</summary>
    public float GradientFactor;

    /// <summary>β₁.</summary>
    public float Beta1;

    /// <summary>1 − β₁.</summary>
    public float OneLessBeta1;

    /// <summary>β₂.</summary>
    public float Beta2;

    /// <summary>1 − β₂.</summary>
    public float OneLessBeta2;

    /// <summary>1 / √(1 − β₂ᵗ).</summary>
    public float RootFactor;

    /// <summary>ε.</summary>
    public float Epsilon;
}
