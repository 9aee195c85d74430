using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Adam with decoupled weight decay, in place, with parameter groups and a state that can be saved whole.</summary>
/// <remarks>
/// Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2: θ ← θ·(1 − η·λ) − η·m̂ / (√v̂ + ε), with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
/// A parameter without a gradient keeps its value and its moments in that step.
/// </remarks>
public sealed class AdamW : IDisposable
{
    private readonly AdamWOptions _options;
    private readonly List<Slot> _slots = [];

    /// <summary>Creates the optimizer with zero moments.</summary>
    /// <param name="groups">Parameter groups; no parameter may be in two.</param>
    /// <param name="options">Constants; null for the defaults.</param>
    public AdamW(IReadOnlyList<ParameterGroup> groups, AdamWOptions? options = null)
    {
        _options = options ?? new();
        using IDisposable guard = no_grad();
        foreach (ParameterGroup group in groups)
        {
            foreach ((string name, Tensor value) in group.Parameters)
            {
                Tensor first = zeros_like(value).DetachFromDisposeScope();
                Tensor second = zeros_like(value).DetachFromDisposeScope();
                _slots.Add(new(name, value, group, first, second));
            }
        }
    }

    /// <summary>Updates made so far: t of the bias correction.</summary>
    public int UpdateCount { get; set; }

    /// <summary>The moments by name, "first_moment.&lt;parameter&gt;" and "second_moment.&lt;parameter&gt;", in the order of the groups. Writing into them restores a saved state.</summary>
    public IEnumerable<(string Name, Tensor Value)> Moments =>
        _slots.SelectMany(slot => new[] { ($"first_moment.{slot.Name}", slot.First), ($"second_moment.{slot.Name}", slot.Second) });

    /// <summary>Updates every parameter that has a gradient.</summary>
    /// <param name="learningRateFactor">The schedule's value for this step, 0 to 1.</param>
    public void Step(double learningRateFactor)
    {
        UpdateCount++;
        double firstCorrection = 1 - Math.Pow(_options.Beta1, UpdateCount);
        double secondCorrection = Math.Sqrt(1 - Math.Pow(_options.Beta2, UpdateCount));
        using IDisposable guard = no_grad();
        foreach (Slot slot in _slots)
        {
            using DisposeScope scope = NewDisposeScope();
            if (slot.Value.grad is not { } gradient)
            {
                continue;
            }

            double learningRate = slot.Group.LearningRate * learningRateFactor;
            slot.First.mul_(HeldScalar.Of(_options.Beta1)).add_(gradient, HeldScalar.Of(1 - _options.Beta1));
            slot.Second.mul_(HeldScalar.Of(_options.Beta2)).addcmul_(gradient, gradient, HeldScalar.Of(1 - _options.Beta2));
            if (slot.Group.WeightDecay != 0)
            {
                slot.Value.mul_(HeldScalar.Of(1 - (learningRate * slot.Group.WeightDecay)));
            }

            Tensor denominator = slot.Second.sqrt().div_(HeldScalar.Of(secondCorrection)).add_(HeldScalar.Of(_options.Epsilon), HeldScalar.Of(1));
            slot.Value.addcdiv_(slot.First, denominator, HeldScalar.Of(-learningRate / firstCorrection));
        }
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
            slot.First.Dispose();
            slot.Second.Dispose();
        }

        _slots.Clear();
    }

    private sealed record Slot(string Name, Tensor Value, ParameterGroup Group, Tensor First, Tensor Second);
}
