using Pique.Data;
using Pique.Models;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Finds out what each bit width of each layer costs the model's loss, predicted and measured.</summary>
/// <remarks>Weights are rounded to nearest here, whatever the method of the calibration: only the order of layers and widths matters to an allocation.</remarks>
internal static class SensitivityAnalysis
{
    /// <summary>Analyses layers. The model comes back as it was.</summary>
    /// <param name="model">The model in full precision.</param>
    /// <param name="layers">Layers by name.</param>
    /// <param name="policy">How a layer is quantized at given bits.</param>
    /// <param name="findScales">Finds the scales of a layer's weight.</param>
    /// <param name="samples">Rows the Fisher diagonal is gathered on.</param>
    /// <param name="measuredOn">Rows the loss is measured on, other than the samples; null measures nothing.</param>
    /// <param name="progress">Told how far the work is; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>Costs in the order of the layers.</returns>
    public static IReadOnlyList<LayerSensitivity> Run(
        CausalLanguageModel model,
        IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers,
        QuantizationPolicy policy,
        Func<string, WeightQuantizationSpec, Tensor, GroupScales> findScales,
        PackedDataset samples,
        PackedDataset? measuredOn,
        Action<CalibrationProgress>? progress,
        CancellationToken cancellationToken)
    {
        using FisherDiagonal fisher = FisherDiagonal.Gather(model, layers, samples, cancellationToken);
        double exactNats = measuredOn is null ? 0 : NextTokenLoss.Mean(model, measuredOn, cancellationToken);
        List<LayerSensitivity> sensitivity = [];
        foreach ((string name, IQuantizableLayer layer) in layers)
        {
            sensitivity.Add(new(name, layer.Weight.numel(), [.. BitAllocation.BitWidths.Select(bits => CostOf(name, layer, bits))]));
            progress?.Invoke(new(CalibrationStage.Sensitivity, sensitivity.Count, layers.Count));
        }

        return sensitivity;

        BitCost CostOf(string name, IQuantizableLayer layer, int bits)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGradient = no_grad();
            WeightQuantizationSpec spec = policy.SpecAt(name, bits);
            using GroupScales scales = findScales(name, spec, layer.Weight);
            using FakeQuantizer quantizer = FakeQuantizer.Create(name, spec, layer.Weight, scales);
            double predicted = fisher.PredictedRise(name, layer.Weight, quantizer.forward(layer.Weight));
            return new(bits, predicted, measuredOn is null ? null : MeasuredRise(layer, quantizer, measuredOn));
        }

        double MeasuredRise(IQuantizableLayer layer, FakeQuantizer quantizer, PackedDataset rows)
        {
            using IDisposable hold = quantizer.Hold(layer.Weight);
            layer.WeightQuantizer = quantizer;
            try
            {
                return NextTokenLoss.Mean(model, rows, cancellationToken) - exactNats;
            }
            finally
            {
                layer.WeightQuantizer = null;
            }
        }
    }
}
