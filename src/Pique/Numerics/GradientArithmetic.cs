using Pique.Configuration;
using Pique.Numerics.Kernels;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>What the gradient through rounding depends on. See docs/math.md §2 and §3.</summary>
/// <param name="Layout">Which weights share a scale.</param>
/// <param name="Grid">The codes.</param>
/// <param name="Scales">Scales, shape [lines, blocksPerLine].</param>
/// <param name="ZeroPoints">Zero points, same shape; null on the symmetric grids.</param>
/// <param name="Estimator">The straight-through estimator; LearnedStepSize also asks for the gradients of scales and zero points.</param>
/// <param name="Strength">ρ of the warm-up, 0 to 1.</param>
/// <param name="Dampening">Weight of the oscillation dampening; 0 for none.</param>
internal sealed record GradientRule(
    GroupLayout Layout, CodeGrid Grid, Tensor Scales, Tensor? ZeroPoints, SteVariant Estimator, float Strength, float Dampening)
{
    /// <summary>Whether scales, and zero points where there are any, take a gradient.</summary>
    public bool LearnsScale => Estimator is SteVariant.LearnedStepSize;

    /// <summary>ρ·γ, γ = 1/√(N·Qp), of a scale that N weights share.</summary>
    public float ScaleFactor(long weightCount) => (float)(Strength / Math.Sqrt((double)weightCount * Grid.PositiveLevels));
}

/// <summary>The gradients of fake quantization: one pass of a kernel on the CPU, plain torch operations anywhere else.</summary>
internal static unsafe class GradientArithmetic
{
    /// <summary>Computes ∂L/∂w into a tensor, and where the estimator learns scales their gradients.</summary>
    /// <param name="weight">Contiguous weights, shape [rows, columns], float32.</param>
    /// <param name="upstream">∂L/∂ŵ, same shape, contiguous, float32.</param>
    /// <param name="destination">Receives ∂L/∂w, same shape, contiguous.</param>
    /// <param name="accumulates">Whether ∂L/∂w is added to what is there.</param>
    /// <param name="rule">What the gradient depends on.</param>
    /// <returns>∂L/∂s and ∂L/∂z, shape [lines, blocksPerLine]; null where not trained.</returns>
    public static (Tensor? Scales, Tensor? ZeroPoints) Compute(Tensor weight, Tensor upstream, Tensor destination, bool accumulates, GradientRule rule)
    {
        if (!TensorPointer.IsAccessible(weight))
            return PlainGradientArithmetic.Compute(weight, upstream, destination, accumulates, rule);
        GroupLayout layout = rule.Layout;
        bool isEmpty = layout.WeightCount == 0;
        Tensor? scaleGradients = !rule.LearnsScale ? null : isEmpty ? zeros(layout.ScaleShape) : empty(layout.ScaleShape);
        Tensor? zeroPointGradients = scaleGradients is null || rule.ZeroPoints is null ? null : isEmpty ? zeros(layout.ScaleShape) : empty(layout.ScaleShape);
        GradientKernel.Arguments arguments = new()
        {
            Weights = TensorPointer.Of(weight),
            Upstream = TensorPointer.Of(upstream),
            WeightGradients = TensorPointer.Of(destination),
            Accumulates = accumulates,
            IsNonTemporal = weight.numel() * sizeof(float) >= PastTheCaches.LeastBytes,
            ScaleGradients = scaleGradients is null ? null : TensorPointer.Of(scaleGradients),
            ZeroPointGradients = zeroPointGradients is null ? null : TensorPointer.Of(zeroPointGradients),
            Grid = new GridPointers(rule.Grid, TensorPointer.Of(rule.Scales), rule.ZeroPoints is null ? null : TensorPointer.Of(rule.ZeroPoints)),
            Strength = rule.Strength,
            Dampening = 2f * rule.Strength * rule.Dampening,
            BlockFactor = rule.ScaleFactor(layout.BlockSize),
            TailFactor = rule.ScaleFactor(layout.TailSize),
        };
        Run(arguments, rule, KernelForms.Best);
        return (scaleGradients, zeroPointGradients);
    }

    /// <summary>Passes ∂L/∂ŵ on unchanged.</summary>
    /// <param name="upstream">∂L/∂ŵ, contiguous, float32.</param>
    /// <param name="destination">Receives it, same shape, contiguous.</param>
    /// <param name="accumulates">Whether it is added to what is there.</param>
    public static void Pass(Tensor upstream, Tensor destination, bool accumulates)
    {
        if (accumulates)
            destination.add_(upstream, HeldScalar.Of(1));
        else if (TensorPointer.IsAccessible(upstream))
            CopyKernel.Run(TensorPointer.Of(upstream), TensorPointer.Of(destination), upstream.numel());
        else
            destination.copy_(upstream);
    }

    /// <summary>Runs the kernel of the rule's estimator.</summary>
    internal static void Run(GradientKernel.Arguments arguments, GradientRule rule, KernelForm form)
    {
        switch (rule.Estimator)
        {
            case SteVariant.Standard:
                GradientKernel.Run<StandardEstimator>(arguments, rule.Layout, form);
                break;
            case SteVariant.Clipped clipped:
                arguments.Parameter = clipped.ClipValue;
                GradientKernel.Run<ClippedEstimator>(arguments, rule.Layout, form);
                break;
            case SteVariant.LearnedStepSize:
                GradientKernel.Run<LearnedStepSizeEstimator>(arguments, rule.Layout, form);
                break;
            case SteVariant.Ewgs ewgs:
                arguments.Parameter = rule.Strength * ewgs.Lambda;
                GradientKernel.Run<EwgsEstimator>(arguments, rule.Layout, form);
                break;
            case SteVariant.EwgsSigned signed:
                arguments.Parameter = rule.Strength * signed.Delta;
                GradientKernel.Run<SignedEwgsEstimator>(arguments, rule.Layout, form);
                break;
            default:
                throw new InvalidOperationException($"{rule.Estimator}: unknown estimator.");
        }
    }
}
