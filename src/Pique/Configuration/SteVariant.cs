namespace Pique.Configuration;

/// <summary>The straight-through estimator: how the gradient passes through rounding. A closed choice.</summary>
public abstract record SteVariant
{
    private SteVariant()
    {
    }

    /// <summary>The gradient passes unchanged (Bengio et al. 2013, arXiv:1308.3432).</summary>
    public sealed record Standard : SteVariant;

    /// <summary>The gradient passes where |w| ≤ <paramref name="ClipValue"/>, in weight units.</summary>
    /// <param name="ClipValue">Largest |w| that still receives a gradient; greater than zero.</param>
    public sealed record Clipped(float ClipValue = Clipped.DefaultClipValue) : SteVariant
    {
        /// <summary>The clip value where none is given.</summary>
        public const float DefaultClipValue = 1.0f;
    }

    /// <summary>LSQ: the scale is a trained parameter (Esser et al. 2020, arXiv:1902.08153).</summary>
    public sealed record LearnedStepSize : SteVariant;

    /// <summary>The gradient is multiplied by 1 + λ·|w − ŵ|, as the configuration format defines it. Not the estimator of arXiv:2104.00903.</summary>
    /// <param name="Lambda">λ, zero or more.</param>
    public sealed record Ewgs(float Lambda = Ewgs.DefaultLambda) : SteVariant
    {
        /// <summary>λ where none is given.</summary>
        public const float DefaultLambda = 0.1f;
    }

    /// <summary>
    /// The gradient is g·(1 + δ·sign(g)·(w − ŵ)/s): it always pulls the weight towards its level (EWGS, Lee et al. 2021,
    /// arXiv:2104.00903, equation 5). No part of the configuration format: a recipe's "estimator" sets it.
    /// </summary>
    /// <param name="Delta">δ in code units, zero or more: the paper's δ divided by 2^bits − 1.</param>
    public sealed record EwgsSigned(float Delta = EwgsSigned.DefaultDelta) : SteVariant
    {
        /// <summary>δ where none is given.</summary>
        public const float DefaultDelta = 0.05f;
    }
}
