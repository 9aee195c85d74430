namespace Pique.Configuration;

/// <summary>Type that matrix products of training are taken in. Weights, optimizer, softmax, norms and losses are float32 whichever it is.</summary>
public enum ComputeType
{
    /// <summary>Whichever is faster on the processor at hand, measured as training begins.</summary>
    Auto,

    /// <summary>Single precision.</summary>
    Float32,

    /// <summary>Factors rounded to bfloat16, products summed in float32 by the library.</summary>
    Bfloat16,
}
