namespace Pique.Configuration;

/// <summary>In which order what is trained of a model is trained.</summary>
public enum TrainingMode
{
    /// <summary>All of it at once, by the losses of the whole model.</summary>
    EndToEnd,

    /// <summary>One transformer block after another, each by the teacher's output of that block, then all scales by the losses of the whole model (EfficientQAT, Chen et al. 2024, arXiv:2407.11062).</summary>
    Blockwise,
}
