namespace Pique.Calibration;

/// <summary>What quantizing one layer to several bit widths does to the model's loss.</summary>
/// <param name="Name">Checkpoint name of the layer.</param>
/// <param name="WeightCount">Weights in the layer.</param>
/// <param name="Costs">Cost of each bit width, by rising bits.</param>
public sealed record LayerSensitivity(string Name, long WeightCount, IReadOnlyList<BitCost> Costs)
{
    /// <summary>Bits that the allocation chose; null where no override leaves them to calibration.</summary>
    public int? ChosenBits { get; init; }

    /// <summary>What the allocation divided when it chose; null where it did not.</summary>
    public BitAverage? Average { get; init; }
}

/// <summary>What a bit width costs.</summary>
/// <param name="Bits">Bits a code.</param>
/// <param name="PredictedNats">Rise of the loss that the Fisher diagonal predicts, in nats per token: ½·Σ F·(w − ŵ)².</param>
/// <param name="MeasuredNats">Rise of the loss when this layer alone is quantized, in nats per token, which noise may turn into a fall; null where it was not measured.</param>
public readonly record struct BitCost(int Bits, double PredictedNats, double? MeasuredNats = null);
