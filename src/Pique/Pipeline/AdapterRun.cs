using Microsoft.Extensions.Logging.Abstractions;
using Pique.Adapters;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Formats;
using Pique.Models;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Quantization.Frozen;

namespace Pique.Pipeline;

/// <summary>What a run that trains adapters has instead of weights of its own to train.</summary>
public sealed class AdapterRun : IDisposable
{
    private LlamaModel? _owned;

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

    /// <summary>Opens a finished run: its model as the recipe has it, read and turned as in the run, with the adapters and quantizers that were trained. It computes with, and merges to, the bits of the run's packed model.</summary>
    /// <param name="runFolder">Folder of the run. Relative paths in its recipe are relative to the current folder, as they were in the run.</param>
    /// <returns>The run, which owns its model.</returns>
    /// <exception cref="ConfigurationException">The run's recipe is not valid.</exception>
    /// <exception cref="InputException">The run trained no adapters, a file of it is missing or damaged, or its model is another by now.</exception>
    public static AdapterRun Open(string runFolder)
    {
        ArgumentNullException.ThrowIfNull(runFolder);
        string recipePath = Path.Combine(runFolder, RunFolder.RecipeName), adapterFolder = Path.Combine(runFolder, QatPipeline.AdapterFolderName);
        Recipe recipe = RecipeJson.Read(RecipeFile.ReadText(recipePath), recipePath);
        if (recipe.Lora is not { } lora)
            throw new InputException($"{recipePath}: found a recipe without adapters, expected one with \"lora\"; name the folder of a run that trained adapters.");
        LoadedModel original = QatPipeline.Load(recipe.Model, recipe);
        LlamaModel model = original.Model;
        AdapterRun? run = null;
        try
        {
            model = QatPipeline.Rotated(original, QatPipeline.RotationSeedOf(original, recipe), lora.Base, NullLogger.Instance);
            QatPipeline.Release(original, model, recipe);
            QuantizationPolicy policy = QuantizationPolicy.From(recipe);
            run = Around(AdapterFolder.Load(adapterFolder, model), recipe, policy);
            using CalibrationArtifact calibration = CalibrationPhase.Load(Path.Combine(runFolder, CalibrationFile.FileName), recipe, original.Digest);
            run.Prepare(calibration, policy, recipe.ActivationBits);
            AdapterFolder.RestoreQuantizers(adapterFolder, model);
            run._owned = model;
            return run;
        }
        catch
        {
            run?.Dispose();
            model.Dispose();
            original.Dispose();
            throw;
        }
    }

    /// <summary>Attaches new adapters, and rounds what has none as the policy says.</summary>
    /// <param name="model">A model whose matrices are frozen.</param>
    /// <param name="recipe">A recipe with adapters.</param>
    /// <param name="policy">How each weight is quantized.</param>
    /// <exception cref="InputException">The adapters do not fit the model, or one would be on a layer that is not quantized.</exception>
    internal static AdapterRun Create(LlamaModel model, Recipe recipe, QuantizationPolicy policy) =>
        Around(AdaptedModel.Attach(model, recipe.Lora!, recipe.Training.Seed), recipe, policy);

    /// <summary>Finds the scales of the layers with an adapter from their frozen weights alone.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="original">The model as it was loaded.</param>
    /// <param name="time">The clock.</param>
    /// <returns>The artifact, owned by the caller.</returns>
    internal CalibrationArtifact Calibrate(Recipe recipe, LoadedModel original, TimeProvider time)
    {
        CalibrationArtifact found = WeightCalibration.Run(
            Layers,
            QuantizationPolicy.From(recipe).SpecFor,
            recipe.Calibration.Method,
            recipe.Qat,
            recipe.Training.Seed,
            time,
            CalibrationPhase.StoredOf(original, Adapted.Model),
            recipe.Calibration.Percentile);
        return found with { ModelDigest = original.Digest, ActivationBits = recipe.ActivationBits };
    }

    /// <summary>Puts quantizers around the adapters and gives back what loading and calibrating have left to the garbage collector, which would otherwise not wake while training allocates next to nothing that is managed.</summary>
    /// <param name="calibration">Scales of <see cref="Layers"/>.</param>
    /// <param name="policy">How each weight is quantized.</param>
    /// <param name="activationBits">Bits of activations, used where the granularity is per token.</param>
    internal void Prepare(CalibrationArtifact calibration, QuantizationPolicy policy, int activationBits)
    {
        calibration.Prepare(Layers, policy.SpecFor, activationBits);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Base.Dispose();
        Adapted.Dispose();
        _owned?.Dispose();
    }

    private static AdapterRun Around(AdaptedModel adapted, Recipe recipe, QuantizationPolicy policy)
    {
        HashSet<string> names = [.. adapted.Adapters.Select(entry => entry.Name)];
        ILookup<bool, (string Name, IQuantizableLayer Layer)> layers = adapted.Model.QuantizableLayers.ToLookup(entry => names.Contains(entry.Name));
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

    /// <summary>Rounds a layer for good.</summary>
    private static void Round(string name, IQuantizableLayer layer, WeightQuantizationSpec spec, Recipe recipe)
    {
        WeightScales search = new(recipe.Calibration.Method, recipe.Calibration.Percentile);
        layer.Frozen!.Rounded = new PackedWeight(search.Round(name, spec, layer.Frozen.Base));
        if (layer is QuantizedLinear linear && spec.Granularity is QuantGranularity.PerToken)
            linear.ActivationQuantizer = new ActivationFakeQuantizer(recipe.ActivationBits);
    }
}
