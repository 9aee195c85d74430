using System.Collections.ObjectModel;
using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Calibration;

/// <summary>What is to be calibrated.</summary>
public sealed record CalibrationRequest
{
    /// <summary>The model, rotated where the recipe asks for that.</summary>
    public required LlamaModel Model { get; init; }

    /// <summary>Weights that the model was stored with, by layer name: where one lies on the grid that the recipe asks for, its own scales are taken over, so that training goes on from it. Empty for a model in full precision.</summary>
    public IReadOnlyDictionary<string, QuantizedTensor> Stored { get; init; } = ReadOnlyDictionary<string, QuantizedTensor>.Empty;

    /// <summary>SHA-256 of the parameters of the model as it was loaded.</summary>
    public required string ModelDigest { get; init; }

    /// <summary>How weights are to be quantized, how scales are to be found, and the seed.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Records to look at; null where there are none, which leaves what the weights alone can tell.</summary>
    public CalibrationSamples? Samples { get; init; }

    /// <summary>Rows on which the sensitivity of layers is measured, other than the samples where there are others; null measures none.</summary>
    public PackedDataset? MeasuredOn { get; init; }

    /// <summary>Analyse the sensitivity of all layers, whether or not bits are to be chosen.</summary>
    public bool AnalyzesSensitivity { get; init; }

    /// <summary>Told how far the work is; null for nobody.</summary>
    public Action<CalibrationProgress>? Progress { get; init; }
}
