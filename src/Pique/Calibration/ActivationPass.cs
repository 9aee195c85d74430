using Pique.Data;
using Pique.Models.Llama;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Runs the calibration samples through a model in full precision and watches what enters its layers.</summary>
internal static class ActivationPass
{
    /// <summary>Gathers statistics of the inputs of every watched layer; layers that read the same tensor share theirs.</summary>
    /// <param name="model">The model; comes back as it was.</param>
    /// <param name="watched">Names of the layers to watch; embeddings among them have no inputs and are left out.</param>
    /// <param name="samples">Rows to run.</param>
    /// <param name="activationBits">Bits that inputs might be quantized to.</param>
    /// <param name="percentile">Share of the values within the percentile's range.</param>
    /// <param name="progress">Told how far the work is; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>Statistics by layer name, owned by the caller.</returns>
    public static Dictionary<string, InputStatistics> Run(
        LlamaModel model,
        IEnumerable<string> watched,
        CalibrationSamples samples,
        int activationBits,
        double percentile,
        Action<CalibrationProgress>? progress,
        CancellationToken cancellationToken)
    {
        HashSet<string> names = [.. watched];
        (string Name, QuantizedLinear Linear)[] linears = [.. from entry in model.QuantizableLayers
                                                              where entry.Layer is QuantizedLinear && names.Contains(entry.Name)
                                                              select (entry.Name, (QuantizedLinear)entry.Layer)];
        Dictionary<string, InputStatistics> statistics = new(StringComparer.Ordinal);
        TokenBatch? batch = null;
        Tensor? places = null;
        (Tensor Input, InputStatistics Statistics)? latest = null;
        try
        {
            foreach ((string name, QuantizedLinear linear) in linears)
            {
                linear.InputObserver = input =>
                {
                    if (latest is { } previous && ReferenceEquals(previous.Input, input))
                    {
                        // Same input, already looked at.
                        statistics[name] = previous.Statistics;
                        return;
                    }

                    if (!statistics.TryGetValue(name, out InputStatistics? own))
                        statistics.Add(name, own = new(name, linear.Weight.shape[1], activationBits, percentile));
                    own.Add(input, batch!, places!);
                    latest = (input, own);
                };
            }

            using IDisposable noGradient = no_grad();
            int done = 0;
            foreach (TokenBatch next in samples.Rows.Batches(epoch: 0))
            {
                using DisposeScope scope = NewDisposeScope();
                using (batch = next)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    places = TokenPlaces.Of(batch);
                    latest = null;
                    Tensor hidden = model.HiddenStates(batch.Inputs);
                    if (model.Head is { InputObserver: not null } head)
                        head.forward(hidden);
                }

                progress?.Invoke(new(CalibrationStage.Inputs, ++done, samples.Rows.BatchesPerEpoch));
            }

            return statistics;
        }
        catch
        {
            foreach (InputStatistics item in statistics.Values)
                item.Dispose();
            throw;
        }
        finally
        {
            foreach ((_, QuantizedLinear linear) in linears)
                linear.InputObserver = null;
        }
    }
}
