using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>One parameter of an update.</summary>
/// <param name="Weight">The parameter, float32 or bfloat16.</param>
/// <param name="Gradient">Its gradient, float32, of its shape.</param>
/// <param name="Moments">Its moments.</param>
/// <param name="LearningRate">η.</param>
/// <param name="WeightDecay">λ.</param>
/// <param name="Random">Rounds a bfloat16 parameter; null for a float32 one.</param>
internal sealed record AdamWTarget(Tensor Weight, Tensor Gradient, AdamWMoments Moments, double LearningRate, double WeightDecay, SplitMix64? Random);

/// <summary>What all parameters of an update share.</summary>
/// <param name="Beta1">β₁.</param>
/// <param name="Beta2">β₂.</param>
/// <param name="Epsilon">ε.</param>
/// <param name="UpdateCount">t, from 1.</param>
/// <param name="GradientFactor">What clipping multiplies gradients by; 1 for none.</param>
internal sealed record AdamWRule(double Beta1, double Beta2, double Epsilon, int UpdateCount, double GradientFactor)
{
    /// <summary>1 − β₁ᵗ.</summary>
    public double FirstCorrection => 1 - Math.Pow(Beta1, UpdateCount);

    /// <summary>√(1 − β₂ᵗ).</summary>
    public double SecondCorrection => Math.Sqrt(1 - Math.Pow(Beta2, UpdateCount));
}

/// <summary>An update of AdamW: one pass of a kernel over parameters it can reach, plain torch operations for others.</summary>
internal static unsafe class AdamWUpdate
{
    /// <summary>Whether the kernel can update a parameter: contiguous on the CPU, float32 or bfloat16.</summary>
    public static bool IsAccessible(Tensor weight) =>
        weight.device_type == TorchSharp.DeviceType.CPU && weight.dtype is ScalarType.Float32 or ScalarType.BFloat16 && weight.is_contiguous();

    /// <summary>Updates parameters and moments in place.</summary>
    /// <param name="targets">The parameters, with finite gradients.</param>
    /// <param name="rule">What they share.</param>
    public static void Run(IReadOnlyList<AdamWTarget> targets, AdamWRule rule)
    {
        using IDisposable guard = no_grad();
        Run([.. targets.Where(target => IsAccessible(target.Weight))], rule, KernelForms.Best);
        foreach (AdamWTarget target in targets.Where(target => !IsAccessible(target.Weight)))
            RunPlain(target, rule);
    }

    /// <summary>Updates parameters that the kernel can reach.</summary>
    internal static void Run(IReadOnlyList<AdamWTarget> targets, AdamWRule rule, KernelForm form)
    {
        using DisposeScope scope = NewDisposeScope();
        AdamWParameter[] parameters = new AdamWParameter[targets.Count];
        for (int i = 0; i < parameters.Length; i++)
            parameters[i] = Of(targets[i], rule);
        AdamWKernel.Run(
            parameters,
            [.. targets.Select(target => target.Weight.numel())],
            new()
            {
                GradientFactor = (float)rule.GradientFactor,
                Beta1 = (float)rule.Beta1,
                OneLessBeta1 = (float)(1 - rule.Beta1),
                Beta2 = (float)rule.Beta2,
                OneLessBeta2 = (float)(1 - rule.Beta2),
                RootFactor = (float)(1 / rule.SecondCorrection),
                Epsilon = (float)rule.Epsilon,
            },
            form);
        GC.KeepAlive(targets);
    }

    /// <summary>The same by torch operations; of a float32 parameter with float32 moments.</summary>
    internal static void RunPlain(AdamWTarget target, AdamWRule rule)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor weight, Tensor first, Tensor second) = (target.Weight, target.Moments.First, target.Moments.Second);
        Tensor gradient = rule.GradientFactor == 1 ? target.Gradient : target.Gradient.mul(HeldScalar.Of(rule.GradientFactor));
        first.mul_(HeldScalar.Of(rule.Beta1)).add_(gradient, HeldScalar.Of(1 - rule.Beta1));
        second.mul_(HeldScalar.Of(rule.Beta2)).addcmul_(gradient, gradient, HeldScalar.Of(1 - rule.Beta2));
        if (target.WeightDecay != 0)
            weight.mul_(HeldScalar.Of(1 - (target.LearningRate * target.WeightDecay)));
        Tensor denominator = second.sqrt().div_(HeldScalar.Of(rule.SecondCorrection)).add_(HeldScalar.Of(rule.Epsilon), HeldScalar.Of(1));
        weight.addcdiv_(first, denominator, HeldScalar.Of(-target.LearningRate / rule.FirstCorrection));
    }

    private static AdamWParameter Of(AdamWTarget target, AdamWRule rule)
    {
        // A copy that is made here lives until the scope of the caller ends, behind the kernel.
        Tensor gradient = TensorPointer.IsAccessible(target.Gradient) ? target.Gradient : target.Gradient.to(ScalarType.Float32).contiguous();
        AdamWMoments moments = target.Moments;
        bool isHalf = target.Weight.dtype == ScalarType.BFloat16;
        bool isCoded = moments is { FirstScales: not null, SecondScales: not null };
        return new()
        {
            Weights = isHalf ? null : TensorPointer.Of(target.Weight),
            HalfWeights = isHalf ? (ushort*)TensorPointer.OfOutput(target.Weight) : null,
            Gradients = TensorPointer.Of(gradient),
            First = isCoded ? null : TensorPointer.Of(moments.First),
            Second = isCoded ? null : TensorPointer.Of(moments.Second),
            FirstCodes = isCoded ? TensorPointer.OfCodes(moments.First) : null,
            SecondCodes = isCoded ? TensorPointer.OfCodes(moments.Second) : null,
            FirstScales = isCoded ? TensorPointer.Of(moments.FirstScales!) : null,
            SecondScales = isCoded ? TensorPointer.Of(moments.SecondScales!) : null,
            Decay = (float)(1 - (target.LearningRate * target.WeightDecay)),
            Step = (float)(target.LearningRate / rule.FirstCorrection),
            RandomState = target.Random?.State ?? 0,
        };
    }
}
