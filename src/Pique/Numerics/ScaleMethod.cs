namespace Pique.Numerics;

/// <summary>How a scale is found from the weights that share it.</summary>
public enum ScaleMethod
{
    /// <summary>The smallest scale whose grid covers every weight: max(max(w)/(2^(b−1)−1), −min(w)/2^(b−1)); affine, (max(w,0) − min(w,0))/(2^b−1).</summary>
    AbsMax,

    /// <summary>The scale of least squared error, searched among float16 scales.</summary>
    MinimumError,

    /// <summary>LSQ's 2·mean|w|/√(2^(b−1)−1) (Esser et al. 2020, arXiv:1902.08153, section 2.1).</summary>
    MeanAbsolute,
}
