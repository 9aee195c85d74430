namespace Pique.Configuration;

/// <summary>How the weights that adapters leave frozen are held in memory.</summary>
public enum FrozenStorage
{
    /// <summary>Two bytes a weight; exact for checkpoints in bfloat16, else rounded to nearest.</summary>
    Bfloat16,

    /// <summary>8-bit codes with a float16 scale for each block of 32, about 1.06 bytes a weight. Teacher and student both see the rounded weights.</summary>
    Int8,
}
