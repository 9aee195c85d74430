using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>What calibration found, with all that is needed to find it again. Math of record §7.</summary>
/// <remarks>Equal inputs and seed give equal bytes, but for the timestamp.</remarks>
public sealed record CalibrationArtifact
{
    /// <summary>Version of the file format this library writes and reads.</summary>
    public const int CurrentFormatVersion = 1;

    /// <summary>How scales were found.</summary>
    public required CalibrationMethod Method { get; init; }

    /// <summary>Seed of the run.</summary>
    public required long Seed { get; init; }

    /// <summary>When calibration ran, UTC.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>SHA-256 of the calibration data, hexadecimal; null where the weights alone were looked at.</summary>
    public string? DatasetDigest { get; init; }

    /// <summary>The configuration calibrated for.</summary>
    public required QatConfig Config { get; init; }

    /// <summary>Scales by layer name, in the order of the layers.</summary>
    public required IReadOnlyList<KeyValuePair<string, CalibratedTensor>> Tensors { get; init; }

    /// <summary>The scales as tensors, for <see cref="ModelQuantizer"/>.</summary>
    /// <returns>Scales by layer name, owned by the caller.</returns>
    public IReadOnlyDictionary<string, GroupScales> ToScales() => Tensors.ToDictionary(
        entry => entry.Key,
        entry => new GroupScales(
            tensor([.. entry.Value.Scales], [.. entry.Value.ScaleShape]),
            entry.Value.ZeroPoints is { } zeros ? tensor([.. zeros.Select(zero => (float)zero)], [.. entry.Value.ScaleShape]) : null),
        StringComparer.Ordinal);

    /// <summary>Prepares a model with these scales.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <param name="policy">How each layer's weight is quantized; null keeps it in full precision.</param>
    /// <param name="activationBits">Bits of activations, used where the granularity is per token.</param>
    /// <exception cref="InputException">A layer is missing or was calibrated for other bits, another grid or another layout; no layer is changed then.</exception>
    public void Prepare(
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        Func<string, WeightQuantizationSpec?> policy,
        int activationBits = ModelQuantizer.DefaultActivationBits)
    {
        foreach ((string name, CalibratedTensor calibrated) in Tensors)
        {
            if (policy(name) is not { } spec)
                continue;
            if (spec.Bits != calibrated.Bits)
            {
                throw new InputException(
                    $"{name}: found scales calibrated for {calibrated.Bits} bits, expected {spec.Bits}; calibrate this model with this configuration.");
            }

            // Affine or not shows in the zero points, which are compared with the layout.
            if (spec.Symmetric && calibrated.ZeroPoints is null && (spec.Kind, spec.TwoLevelScales) != (calibrated.Kind, calibrated.TwoLevelScales))
            {
                throw new InputException(
                    $"{name}: found scales calibrated for the grid {GridText.Of(calibrated.Kind, calibrated.TwoLevelScales)}, expected {GridText.Of(spec.Kind, spec.TwoLevelScales)}; calibrate this model with this recipe.");
            }
        }

        IReadOnlyDictionary<string, GroupScales> scales = ToScales();
        try
        {
            ModelQuantizer.Prepare(layers, policy, scales, activationBits);
        }
        finally
        {
            foreach (GroupScales groupScales in scales.Values)
                groupScales.Dispose();
        }
    }
}
