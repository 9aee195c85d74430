namespace Pique.Configuration;

/// <summary>Shape of the learning rate over the steps after its warm-up.</summary>
public enum LearningRateSchedule
{
    /// <summary>Stays at the highest rate.</summary>
    Constant,

    /// <summary>Falls along a straight line.</summary>
    Linear,

    /// <summary>Falls along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983).</summary>
    Cosine,

    /// <summary>Stays at the highest rate, then falls over the last share of the steps along 1 − √x (Hägele et al. 2024, arXiv:2405.18392, section 3; the shape after Hu et al. 2024, arXiv:2404.06395).</summary>
    WarmupStableDecay,
}
