using Pique.Adapters;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Models;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Quantization.Frozen;

namespace Pique.Pipeline;

/// <summary>What a run that trains adapters has instead of weights of its own to train.</summary>
internal sealed class AdapterRun : IDisposable
{
    private AdapterRun(AdaptedModel adapted, IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers)
    {
        Adapted = adapted;
        Layers = layers;
        Base = adapted.CreateTeacher();
    }

    /// <summary>The student.</summary>
    public AdaptedModel Adapted { get; }

    /// <summary>The layers with an adapter, by checkpoint name: those that calibration looks at. All others are rounded for good.</summary>
    public IReadOnlyList<(string Name, IQuantizableLayer Layer)> Layers { get; }

    /// <summary>The student without adapters and quantizers.</summary>
    public CausalLanguageModel Base { get; }

    /// <summary>Attaches the adapters, and rounds what has none as the policy says.</summary>
    /// <param name="model">A model whose matrices are frozen.</param>
    /// <param name="recipe">A recipe with adapters.</param>
    /// <param name="policy">How each weight is quantized.</param>
    /// <exception cref="InputException">The adapters do not fit the model, or one would be on a layer that is not quantized.</exception>
    public static AdapterRun Create(LlamaModel model, Recipe recipe, QuantizationPolicy policy)
    {
        AdaptedModel adapted = AdaptedModel.Attach(model, recipe.Lora!, recipe.Training.Seed);
        HashSet<string> names = [.. adapted.Adapters.Select(entry => entry.Name)];
        ILookup<bool, (string Name, IQuantizableLayer Layer)> layers = model.QuantizableLayers.ToLookup(entry => names.Contains(entry.Name));
        string[] unquantized = [.. layers[true].Select(entry => entry.Name).Where(name => policy.SpecFor(name) is null)];
        if (unquantized.Length > 0)
        {
            adapted.Dispose();
            throw new InputException(
                $"lora.target_modules: found adapters on layers that overrides keep in full precision ({string.Join(", ", unquantized)}), expected a quantizer around every adapter; leave these layers out of target_modules or out of the overrides.");
        }

        foreach ((string name, IQuantizableLayer layer) in layers[false])
        {
            if (policy.SpecFor(name) is { } spec)
                Round(name, layer, spec, recipe);
        }

        return new(adapted, [.. layers[true]]);
    }

    /// <summary>Finds the scales of the layers with an adapter from their frozen weights alone: by the recipe's method, and by least squared error where that is second-order rounding, which would have to change the weights.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="stored">Weights that the model was stored with, by layer name.</param>
    /// <param name="time">The clock.</param>
    /// <returns>The artifact, owned by the caller.</returns>
    public CalibrationArtifact Calibrate(Recipe recipe, IReadOnlyDictionary<string, QuantizedTensor> stored, TimeProvider time)
    {
        CalibrationMethod method = recipe.Calibration.Method == CalibrationMethod.Gptq ? CalibrationMethod.Mse : recipe.Calibration.Method;
        return WeightCalibration.Run(Layers, QuantizationPolicy.From(recipe).SpecFor, method, recipe.Qat, recipe.Training.Seed, time, stored);
    }

    /// <summary>Puts quantizers around the adapters and gives back what loading and calibrating have left to the garbage collector, which would otherwise not wake while training allocates next to nothing that is managed.</summary>
    /// <param name="calibration">Scales of <see cref="Layers"/>.</param>
    /// <param name="policy">How each weight is quantized.</param>
    /// <param name="activationBits">Bits of activations, used where the granularity is per token.</param>
    public void Prepare(CalibrationArtifact calibration, QuantizationPolicy policy, int activationBits)
    {
        calibration.Prepare(Layers, policy.SpecFor, activationBits);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Base.Dispose();
        Adapted.Dispose();
    }

    /// <summary>Rounds a layer for good: at covering scales where the recipe asks for them, else at those of the least squared error.</summary>
    private static void Round(string name, IQuantizableLayer layer, WeightQuantizationSpec spec, Recipe recipe)
    {
        layer.Frozen!.Rounded = new PackedWeight(FrozenRounding.Quantize(name, layer.Frozen.Base, spec, recipe.Calibration.Method == CalibrationMethod.Rtn ? ScaleMethod.AbsMax : ScaleMethod.MinimumError));
        if (layer is QuantizedLinear linear && spec.Granularity is QuantGranularity.PerToken)
            linear.ActivationQuantizer = new ActivationFakeQuantizer(recipe.ActivationBits);
    }
}
