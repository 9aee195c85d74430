using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Adam with decoupled weight decay, in place, with parameter groups and a state that can be saved whole.</summary>
/// <remarks>
/// Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2: θ ← θ·(1 − η·λ) − η·m̂ / (√v̂ + ε), with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
/// A parameter without a gradient keeps its value and its moments in that step. All parameters on the CPU are updated by one pass of a kernel.
/// </remarks>
public sealed class AdamW : IDisposable
{
    /// <summary>Tells the streams that round weights from other streams of a run, which are named by the seed and two numbers more.</summary>
    private const long RoundingStream = 0x726F756E64;

    private readonly AdamWOptions _options;
    private readonly List<Slot> _slots = [];

    /// <summary>Creates the optimizer with zero moments.</summary>
    /// <param name="groups">Parameter groups; no parameter may be in two. Parameters are float32, or contiguous bfloat16 on the CPU, whose gradients are float32 all the same.</param>
    /// <param name="options">Constants; null for the defaults.</param>
    public AdamW(IReadOnlyList<ParameterGroup> groups, AdamWOptions? options = null)
    {
        _options = options ?? new();
        foreach (ParameterGroup group in groups)
        {
            foreach ((string name, Tensor value) in group.Parameters)
            {
                _slots.Add(new(name, value, group, AdamWMoments.Create(value, _options.States)));
            }
        }
    }

    /// <summary>Updates made so far: t of the bias correction.</summary>
    public int UpdateCount { get; set; }

    /// <summary>
    /// The moments by name, "first_moment.&lt;parameter&gt;" and "second_moment.&lt;parameter&gt;", in the order of the groups. Where these are codes, uint8, of
    /// <see cref="OptimizerStates.Int8"/>, the scales of their blocks follow as "first_moment_scale.&lt;parameter&gt;" and "second_moment_scale.&lt;parameter&gt;".
    /// Writing into them restores a saved state.
    /// </summary>
    public IEnumerable<(string Name, Tensor Value)> Moments => _slots.SelectMany(slot => slot.Moments.Named(slot.Name));

    /// <summary>Updates every parameter that has a gradient.</summary>
    /// <param name="learningRateFactor">The schedule's value for this step, 0 to 1.</param>
    /// <param name="gradientFactor">What gradients are multiplied by as they are read, <see cref="GradientClipping.Factor"/>; 1 for no clipping. The gradients themselves stay.</param>
    public void Step(double learningRateFactor, double gradientFactor = 1)
    {
        UpdateCount++;
        using DisposeScope scope = NewDisposeScope();
        List<AdamWTarget> targets = new(_slots.Count);
        for (int index = 0; index < _slots.Count; index++)
        {
            Slot slot = _slots[index];
            if (slot.Value.grad is { } gradient)
            {
                SplitMix64? random = slot.Value.dtype == ScalarType.BFloat16 ? SplitMix64.ForStream(_options.Seed, RoundingStream, UpdateCount, index) : null;
                targets.Add(new(slot.Value, gradient, slot.Moments, slot.Group.LearningRate * learningRateFactor, slot.Group.WeightDecay, random));
            }
        }

        AdamWUpdate.Run(targets, new(_options.Beta1, _options.Beta2, _options.Epsilon, UpdateCount, gradientFactor));
    }

    /// <summary>Drops every gradient, so that the next backward pass starts from none.</summary>
    public void ClearGradients()
    {
        foreach (Slot slot in _slots)
        {
            slot.Value.grad = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Slot slot in _slots)
        {
            slot.Moments.Dispose();
        }

        _slots.Clear();
    }

    private sealed record Slot(string Name, Tensor Value, ParameterGroup Group, AdamWMoments Moments);
}
