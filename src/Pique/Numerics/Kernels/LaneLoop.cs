namespace Pique.Numerics.Kernels;

/// <summary>The step of every kernel.</summary>
internal static class LaneLoop
{
    /// <summary>Weights a kernel advances by, whatever the width of its vectors.</summary>
    public const int Lanes = 16;
}
