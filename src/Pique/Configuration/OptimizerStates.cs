namespace Pique.Configuration;

/// <summary>How the optimizer holds its two moments of every trained weight.</summary>
public enum OptimizerStates
{
    /// <summary>Eight bytes a weight.</summary>
    Float32,

    /// <summary>8-bit codes with a float32 scale for each block of 256, about two bytes a weight; parameters of fewer than 4096 values keep float32.</summary>
    Int8,
}
