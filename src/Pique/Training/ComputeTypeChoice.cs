using System.Globalization;
using Pique.Configuration;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>The type that a run takes its matrix products in, and why.</summary>
/// <param name="Type"><see cref="ComputeType.Float32"/> or <see cref="ComputeType.Bfloat16"/>.</param>
/// <param name="Reason">Why, as a part of a sentence.</param>
internal sealed record ComputeTypeChoice(ComputeType Type, string Reason)
{
    /// <summary>How many times as fast bfloat16 has to be: products lose mantissa bits and every factor is rounded first.</summary>
    private const double LeastGain = 1.25;

    private const int Order = 256;
    private const int Runs = 5;

    /// <summary>The type of libtorch.</summary>
    public ScalarType ScalarType => Type == ComputeType.Bfloat16 ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Makes the choice.</summary>
    /// <param name="wanted">What the recipe wants.</param>
    /// <param name="hasFrozenWeights">Whether the model's weights are frozen, whose products are float32.</param>
    /// <param name="time">The clock to measure by.</param>
    public static ComputeTypeChoice Make(ComputeType wanted, bool hasFrozenWeights, TimeProvider time)
    {
        if (wanted != ComputeType.Auto)
            return new(wanted, "as the recipe says");
        if (hasFrozenWeights)
            return new(ComputeType.Float32, "products with frozen weights are float32");
        double single = BestSeconds(ScalarType.Float32, Runs, time);
        double half = BestSeconds(ScalarType.BFloat16, 1, time); // Without instructions for it, a single run is long.
        if (half < 4 * single)
            half = Math.Min(half, BestSeconds(ScalarType.BFloat16, Runs, time));
        string speed = (single / half).ToString("G2", CultureInfo.InvariantCulture);
        return new(
            single / half >= LeastGain ? ComputeType.Bfloat16 : ComputeType.Float32,
            $"bfloat16 products are {speed} times as fast as float32 ones on this processor");
    }

    private static double BestSeconds(ScalarType type, int runs, TimeProvider time)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor left = ones([Order, Order], dtype: type), right = ones([Order, Order], dtype: type);
        double best = double.PositiveInfinity;
        for (int run = 0; run < runs; run++)
        {
            long started = time.GetTimestamp();
            left.mm(right).Dispose();
            best = Math.Min(best, time.GetElapsedTime(started).TotalSeconds);
        }

        return best;
    }
}
