namespace Pique.Configuration;

/// <summary>How the weights that are trained under a quantizer are held between steps. Everything else that is trained is float32.</summary>
public enum LatentWeights
{
    /// <summary>Four bytes a weight.</summary>
    Float32,

    /// <summary>Two bytes a weight; each update is computed in float32 and rounded stochastically, so that steps below the last bit count on average.</summary>
    Bfloat16,
}
