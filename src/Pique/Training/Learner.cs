using Pique.Adapters;
using Pique.Configuration;
using Pique.Models;
using Pique.Numerics;
using Pique.Quantization;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>A model, what is trained in it and its optimizer. For as long as a learner lives it may hold the model's latent weights in bfloat16; afterwards they are float32 again, of the same values.</summary>
internal sealed class Learner : IDisposable
{
    private readonly double? _gradClip;
    private readonly IReadOnlyList<IQuantizableLayer> _halved = [];
    private double _clipFactor = 1;

    /// <summary>Gathers the model's parameters.</summary>
    /// <param name="model">The model, its quantizers in place.</param>
    /// <param name="options">Rates, decay and AdamW constants.</param>
    public Learner(CausalLanguageModel model, TrainerOptions options) : this(Halved(model, options), model, options)
    {
    }

    private Learner(IReadOnlyList<IQuantizableLayer> halved, CausalLanguageModel model, TrainerOptions options) : this(TrainedParameters.Of(model), options) => _halved = halved;

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
            States = options.Training.OptimizerStates,
            Seed = options.Training.Seed,
        });
    }

    /// <summary>What is trained.</summary>
    public TrainedParameters Parameters { get; }

    /// <summary>The same, sorted by learning rate and decay.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>Its optimizer.</summary>
    public AdamW Optimizer { get; }

    /// <summary>Measures the gradients, and keeps for <see cref="Update"/> what clipping multiplies them by.</summary>
    /// <returns>Global norm before clipping.</returns>
    public double MeasureGradients()
    {
        double norm = GradientClipping.Norm(Parameters.Tensors);
        _clipFactor = GradientClipping.Factor(norm, _gradClip);
        return norm;
    }

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

    /// <summary>Updates the parameters by the gradients clipped as <see cref="MeasureGradients"/> found, and restores the quantizers' invariants.</summary>
    /// <param name="learningRateFactor">The schedule's value.</param>
    public void Update(double learningRateFactor)
    {
        Optimizer.Step(learningRateFactor, _clipFactor);
        _clipFactor = 1;
        foreach (FakeQuantizer quantizer in Parameters.Quantizers)
        {
            quantizer.EnforceInvariants();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Optimizer.Dispose();
        SetWeightType(_halved, ScalarType.Float32);
    }

    /// <summary>Turns the latent weights into bfloat16 where the recipe wants it, before anyone takes hold of the parameters.</summary>
    private static IQuantizableLayer[] Halved(CausalLanguageModel model, TrainerOptions options)
    {
        if (options.Training.LatentWeights != LatentWeights.Bfloat16)
        {
            return [];
        }

        IQuantizableLayer[] layers = [.. model.QuantizableLayers.Select(entry => entry.Layer).Where(layer => layer is { Frozen: null, WeightQuantizer: not null, Weight.requires_grad: true })];
        SetWeightType(layers, ScalarType.BFloat16);
        return layers;
    }

    private static void SetWeightType(IReadOnlyList<IQuantizableLayer> layers, ScalarType type)
    {
        foreach (IQuantizableLayer layer in layers)
        {
            layer.SetWeightType(type);
        }
    }
}
