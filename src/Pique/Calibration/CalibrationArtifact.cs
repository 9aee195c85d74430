using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>What calibration found, with all that is needed to find it again. See docs/math.md §7.</summary>
/// <remarks>Equal inputs and seed give equal bytes, but for the timestamp.</remarks>
public sealed record CalibrationArtifact : IDisposable
{
    /// <summary>Version of the file format this library writes and reads.</summary>
    public const int CurrentFormatVersion = 2;

    /// <summary>How scales were found.</summary>
    public required CalibrationMethod Method { get; init; }

    /// <summary>Whether squared errors were weighed by the mean squares of the inputs.</summary>
    public bool Weighted { get; init; }

    /// <summary>Seed of the run.</summary>
    public required long Seed { get; init; }

    /// <summary>When calibration ran, UTC.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>SHA-256 of the model's parameters, see <see cref="Formats.ModelDigest"/>; null where it was not given.</summary>
    public string? ModelDigest { get; init; }

    /// <summary>SHA-256 of the calibration samples, hexadecimal; null where the weights alone were looked at.</summary>
    public string? DatasetDigest { get; init; }

    /// <summary>Samples of each domain present.</summary>
    public IReadOnlyDictionary<DataDomain, int> SampleCounts { get; init; } = new Dictionary<DataDomain, int>();

    /// <summary>The configuration calibrated for.</summary>
    public required QatConfig Config { get; init; }

    /// <summary>Bits that activation ranges were judged for.</summary>
    public int ActivationBits { get; init; } = Recipe.DefaultActivationBits;

    /// <summary>Scales by layer name, in the order of the layers.</summary>
    public required IReadOnlyList<KeyValuePair<string, CalibratedTensor>> Tensors { get; init; }

    /// <summary>Ranges of the inputs by layer name, in the order of the layers; empty where the weights alone were looked at.</summary>
    public IReadOnlyList<KeyValuePair<string, CalibratedActivation>> Activations { get; init; } = [];

    /// <summary>Sensitivity of the layers; empty where it was not asked for.</summary>
    public IReadOnlyList<LayerSensitivity> Sensitivity { get; init; } = [];

    /// <summary>What was odd about the samples.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>
    /// Weights by layer name as second-order rounding left them, float32, which become the latent weights; their nearest levels are the
    /// rounded ones. Null where codes are simply the nearest to the model's own weights. Owned by this artifact.
    /// </summary>
    public IReadOnlyDictionary<string, Tensor>? RoundedWeights { get; init; }

    /// <summary>A policy with the bits that this calibration chose where an override leaves them to it.</summary>
    /// <param name="policy">The recipe's policy.</param>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <exception cref="InputException">Bits of a layer were not chosen, or as part of another average; the first is named.</exception>
    public QuantizationPolicy Resolve(QuantizationPolicy policy, IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers)
    {
        CalibrationFit.RequireChosenBits(this, layers, policy);
        return policy.ChoosesBits
            ? policy.WithBits(Tensors.ToDictionary(entry => entry.Key, entry => entry.Value.Bits, StringComparer.Ordinal))
            : policy;
    }

    /// <summary>The scales as tensors, for <see cref="ModelQuantizer"/>.</summary>
    /// <returns>Scales by layer name, owned by the caller.</returns>
    public IReadOnlyDictionary<string, GroupScales> ToScales() => Tensors.ToDictionary(
        entry => entry.Key,
        entry => new GroupScales(
            tensor([.. entry.Value.Scales], [.. entry.Value.ScaleShape]),
            entry.Value.ZeroPoints is { } zeros ? tensor([.. zeros.Select(zero => (float)zero)], [.. entry.Value.ScaleShape]) : null),
        StringComparer.Ordinal);

    /// <summary>Prepares a model with these scales and, where there are some, these rounded weights.</summary>
    /// <param name="layers">Layers by checkpoint name.</param>
    /// <param name="policy">How each layer's weight is quantized; null keeps it in full precision.</param>
    /// <param name="activationBits">Bits of activations, used where the granularity is per token.</param>
    /// <exception cref="InputException">A layer is missing or was calibrated for another shape, other bits, another grid or another layout; no layer is changed then.</exception>
    public void Prepare(
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        Func<string, WeightQuantizationSpec?> policy,
        int activationBits = ModelQuantizer.DefaultActivationBits)
    {
        CalibrationFit.RequireLayers(this, layers, policy);
        IReadOnlyDictionary<string, GroupScales> scales = ToScales();
        try
        {
            TakeRoundedWeights(layers);
            ModelQuantizer.Prepare(layers, policy, scales, activationBits);
        }
        finally
        {
            foreach (GroupScales groupScales in scales.Values)
                groupScales.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor weight in RoundedWeights?.Values ?? [])
            weight.Dispose();
    }

    private void TakeRoundedWeights(IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers)
    {
        using IDisposable noGradient = no_grad();
        foreach ((string name, IQuantizableLayer layer) in layers)
        {
            if (RoundedWeights is { } rounded && rounded.TryGetValue(name, out Tensor? weight))
                layer.Weight.copy_(weight);
        }
    }
}
