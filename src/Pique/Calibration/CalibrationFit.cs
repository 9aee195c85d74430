using System.Globalization;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Calibration;

/// <summary>Refuses a calibration that was made for something else.</summary>
internal static class CalibrationFit
{
    /// <summary>Refuses an artifact of another model or another configuration.</summary>
    /// <param name="artifact">The artifact.</param>
    /// <param name="source">Where it was read, for the message.</param>
    /// <param name="modelDigest">SHA-256 of the model's parameters.</param>
    /// <param name="recipe">The recipe that is to use it.</param>
    /// <exception cref="InputException">The model or what says how weights are quantized differs; every difference is named.</exception>
    /// <remarks>
    /// Losses, learning rates and epochs may differ: no scale depends on them. A method, or weighing, that a recipe merely leaves at its
    /// default is not compared: beside an artifact it says nothing.
    /// </remarks>
    public static void Require(CalibrationArtifact artifact, string source, string modelDigest, Recipe recipe)
    {
        List<string> faults = [];
        if (artifact.ModelDigest is { } digest && digest != modelDigest)
            faults.Add($"{source}: model_sha256: found {digest}, expected that of the model, {modelDigest}; calibrate this model, or name the one that was calibrated.");
        QatConfig found = artifact.Config, expected = recipe.Qat;
        Compare("bits", found.Bits, expected.Bits);
        Compare("granularity", found.Granularity, expected.Granularity);
        Compare("pi_k", found.PiK, expected.PiK);
        Compare("use_incoherence", found.UseIncoherence, expected.UseIncoherence);
        Compare("symmetric", found.Symmetric, expected.Symmetric);
        if (RoundsActivations(recipe) && artifact.ActivationBits != recipe.ActivationBits)
            Differs("activation_bits", artifact.ActivationBits, recipe.ActivationBits);
        CalibrationRecipe calibration = recipe.Calibration, unstated = new();
        if (calibration.Method != unstated.Method && calibration.Method != artifact.Method)
            Differs("method", SnakeCase.Of(artifact.Method), SnakeCase.Of(calibration.Method));
        if (calibration.Weighted == true && !artifact.Weighted)
            Differs("weighted", artifact.Weighted, true);
        if (expected.UseIncoherence && found.UseIncoherence && artifact.Seed != recipe.Training.Seed)
            faults.Add(Text($"{source}: seed: found {artifact.Seed}, expected {recipe.Training.Seed}, from which the rotation of the weights is drawn; calibrate with this seed."));
        if (faults.Count > 0)
            throw new InputException(string.Join('\n', faults));

        void Compare<T>(string field, T found, T expected)
        {
            if (!EqualityComparer<T>.Default.Equals(found, expected))
                Differs($"config.{field}", found, expected);
        }

        void Differs<T>(string field, T found, T expected) =>
            faults.Add($"{source}: {field}: found {TextOf(found)}, expected {TextOf(expected)}, as the recipe has it; calibrate with this recipe.");
    }

    /// <summary>Refuses an artifact whose bits were not chosen as the recipe asks.</summary>
    /// <param name="artifact">The artifact.</param>
    /// <param name="layers">Layers by name.</param>
    /// <param name="policy">How each layer's weight is quantized.</param>
    /// <exception cref="InputException">A layer's bits were not chosen, were chosen beside others though the recipe states them, or belong to another average; the first is named.</exception>
    public static void RequireChosenBits(CalibrationArtifact artifact, IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers, QuantizationPolicy policy)
    {
        if (!policy.ChoosesBits)
            return; // Stated bits are compared with those of the tensors.
        Dictionary<string, BitAverage> averages = artifact.Sensitivity.Where(layer => layer.Average is not null).ToDictionary(layer => layer.Name, layer => layer.Average!.Value, StringComparer.Ordinal);
        HashSet<string> calibrated = [.. artifact.Tensors.Select(entry => entry.Key)];
        foreach ((string name, _) in layers)
        {
            BitAverage? found = calibrated.Contains(name) && averages.TryGetValue(name, out BitAverage average) ? average : null;
            BitAverage? expected = BitAverage.Of(policy.AutomaticOverride(name));
            if (found != expected)
                throw new InputException($"{name}: found {ChoiceOf(found)}, expected {ChoiceOf(expected)}, as the recipe has it; calibrate this model with this recipe.");
        }

        static string ChoiceOf(BitAverage? average) => average is { } divided ? $"bits divided as {divided}" : "bits that calibration did not choose";
    }

    /// <summary>Refuses an artifact whose tensors are not those of the layers.</summary>
    /// <param name="artifact">The artifact.</param>
    /// <param name="layers">Layers by name.</param>
    /// <param name="policy">How each layer's weight is quantized; null keeps it in full precision.</param>
    /// <exception cref="InputException">A layer is missing, or one of them differs in shape, bits or grid; the first is named.</exception>
    public static void RequireLayers(CalibrationArtifact artifact, IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers, Func<string, WeightQuantizationSpec?> policy)
    {
        Dictionary<string, IQuantizableLayer> byName = layers.ToDictionary(entry => entry.Name, entry => entry.Layer, StringComparer.Ordinal);
        foreach ((string name, CalibratedTensor calibrated) in artifact.Tensors)
        {
            if (!byName.TryGetValue(name, out IQuantizableLayer? layer))
                throw new InputException($"{name}: found scales of a layer that the model does not have; calibrate this model.");
            if (policy(name) is not { } spec)
                throw new InputException($"{name}: found scales of a layer that the recipe keeps in full precision; calibrate this model with this recipe.");
            RequireShape(name, calibrated, layer);
            RequireGrid(name, calibrated, spec);
            RequireLayout(name, calibrated, spec);
        }

        HashSet<string> calibratedNames = [.. artifact.Tensors.Select(entry => entry.Key)];
        if (byName.Keys.FirstOrDefault(name => !calibratedNames.Contains(name) && policy(name) is not null) is { } missing)
            throw new InputException($"{missing}: found no calibrated scales, expected some; calibrate this model with this configuration.");
    }

    private static bool RoundsActivations(Recipe recipe) =>
        recipe.Overrides.Select(layers => layers.Granularity).Append(recipe.Qat.Granularity).Any(granularity => granularity is QuantGranularity.PerToken);

    private static void RequireShape(string name, CalibratedTensor calibrated, IQuantizableLayer layer)
    {
        if (!layer.Weight.shape.SequenceEqual([calibrated.Rows, calibrated.Columns]))
        {
            throw new InputException(
                Text($"{name}: found scales calibrated for a weight of shape [{calibrated.Rows}, {calibrated.Columns}], expected [{string.Join(", ", layer.Weight.shape)}]; calibrate this model."));
        }
    }

    private static void RequireGrid(string name, CalibratedTensor calibrated, WeightQuantizationSpec spec)
    {
        if (spec.Bits != calibrated.Bits)
            throw new InputException($"{name}: found scales calibrated for {calibrated.Bits} bits, expected {spec.Bits}; calibrate this model with this configuration.");

        // Affine or not shows in the zero points, which are compared with the layout.
        if (spec.Symmetric && calibrated.ZeroPoints is null && (spec.Kind, spec.TwoLevelScales) != (calibrated.Kind, calibrated.TwoLevelScales))
        {
            throw new InputException(
                $"{name}: found scales calibrated for the grid {GridText.Of(calibrated.Kind, calibrated.TwoLevelScales)}, expected {GridText.Of(spec.Kind, spec.TwoLevelScales)}; calibrate this model with this recipe.");
        }
    }

    private static void RequireLayout(string name, CalibratedTensor calibrated, WeightQuantizationSpec spec)
    {
        GroupLayout layout = GroupLayout.For(spec.Granularity, calibrated.Rows, calibrated.Columns);
        if (!calibrated.ScaleShape.SequenceEqual(layout.ScaleShape) || (calibrated.ZeroPoints is null) != spec.Symmetric)
        {
            throw new InputException(
                $"{name}: found calibrated scales of shape [{string.Join(", ", calibrated.ScaleShape)}]{(calibrated.ZeroPoints is null ? "" : " with zero points")}, "
                + $"expected [{string.Join(", ", layout.ScaleShape)}]{(spec.Symmetric ? "" : " with zero points")}; calibrate this model with this configuration again.");
        }
    }

    private static string TextOf<T>(T value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        QuantGranularity.PerBlock block => Text($"PerBlock {block.BlockSize}"),
        QuantGranularity granularity => granularity.GetType().Name,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => $"{value}",
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
