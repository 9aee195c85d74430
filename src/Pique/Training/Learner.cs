using Pique.Adapters;
using Pique.Models;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Training;

/// <summary>A model, what is trained in it and its optimizer.</summary>
internal sealed class Learner : IDisposable
{
    private readonly double? _gradClip;

    /// <summary>Gathers the model's parameters.</summary>
    /// <param name="model">The model, its quantizers in place.</param>
    /// <param name="options">Rates, decay and AdamW constants.</param>
    public Learner(CausalLanguageModel model, TrainerOptions options) : this(TrainedParameters.Of(model), options)
    {
    }

    /// <summary>Takes a part of a model's parameters.</summary>
    /// <param name="parameters">What is trained.</param>
    /// <param name="options">Rates, decay and AdamW constants.</param>
    public Learner(TrainedParameters parameters, TrainerOptions options)
    {
        Parameters = parameters;
        Groups = Parameters.Groups(options);
        _gradClip = options.GradClip;
        Optimizer = new(Groups, new()
        {
            Beta1 = options.Training.AdamBeta1,
            Beta2 = options.Training.AdamBeta2,
            Epsilon = options.Training.AdamEpsilon,
        });
    }

    /// <summary>What is trained.</summary>
    public TrainedParameters Parameters { get; }

    /// <summary>The same, sorted by learning rate and decay.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>Its optimizer.</summary>
    public AdamW Optimizer { get; }

    /// <summary>Clips the gradients.</summary>
    /// <returns>Global norm before clipping.</returns>
    public double Clip() => GradientClipping.Clip(Parameters.Tensors, _gradClip);

    /// <summary>Sets ρ of every quantizer.</summary>
    /// <param name="strength">0 for full precision, 1 for quantized.</param>
    public void SetStrength(double strength)
    {
        foreach (FakeQuantizer quantizer in Parameters.Quantizers)
        {
            quantizer.Strength = (float)strength;
        }
    }

    /// <summary>Sets how much of its dampening every quantizer adds in one backward pass, where several make up a step.</summary>
    /// <param name="share">1 over their number.</param>
    public void SetDampeningShare(double share)
    {
        foreach (FakeQuantizer quantizer in Parameters.Quantizers)
        {
            quantizer.DampeningShare = (float)share;
        }
    }

    /// <summary>Draws the rank components that the adapters do without in the next step. The draw depends on seed and updates made alone, so that a resumed run draws alike.</summary>
    /// <param name="probability">Share of the components; 0 for none.</param>
    /// <param name="seed">Seed of the run.</param>
    public void DropComponents(double probability, long seed)
    {
        for (int index = 0; probability > 0 && index < Parameters.Adapters.Count; index++)
        {
            Parameters.Adapters[index].Drop(probability, SplitMix64.ForStream(seed, Optimizer.UpdateCount, index));
        }
    }

    /// <summary>Ends what <see cref="DropComponents"/> began.</summary>
    public void KeepComponents()
    {
        foreach (LoraAdapter adapter in Parameters.Adapters)
        {
            adapter.KeepAll();
        }
    }

    /// <summary>Updates the parameters and restores the quantizers' invariants.</summary>
    /// <param name="learningRateFactor">The schedule's value.</param>
    public void Update(double learningRateFactor)
    {
        Optimizer.Step(learningRateFactor);
        foreach (FakeQuantizer quantizer in Parameters.Quantizers)
        {
            quantizer.EnforceInvariants();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Optimizer.Dispose();
}
