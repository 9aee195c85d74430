using System.Globalization;
using Pique.Configuration;
using Pique.Models;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>The type that a run rounds the factors of its matrix products to, and why.</summary>
/// <param name="Type"><see cref="ComputeType.Float32"/> or <see cref="ComputeType.Bfloat16"/>.</param>
/// <param name="Reason">Why, as a part of a sentence.</param>
internal sealed record ComputeTypeChoice(ComputeType Type, string Reason)
{
    /// <summary>How many times as fast bfloat16 has to be: products lose mantissa bits and every factor is rounded first.</summary>
    private const double LeastGain = 1.25;

    private const int Order = 512;
    private const int Runs = 5;

    /// <summary>The type of libtorch.</summary>
    public ScalarType ScalarType => Type == ComputeType.Bfloat16 ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Makes the choice for a model.</summary>
    /// <param name="wanted">What the recipe wants.</param>
    /// <param name="student">The model to train.</param>
    /// <param name="time">The clock to measure by.</param>
    public static ComputeTypeChoice Make(ComputeType wanted, CausalLanguageModel student, TimeProvider time) =>
        Make(wanted, student.QuantizableLayers.Any(entry => entry.Layer.Frozen is not null), time);

    /// <summary>The choice of a run that is resumed: it computes as it began, whatever is faster by now.</summary>
    /// <param name="began">The type it began with.</param>
    public static ComputeTypeChoice AsBegan(ComputeType began) => new(began, "as the run began");

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
        return Bfloat16Product.IsNative ? ByMeasuring(time) : new(ComputeType.Float32, "this processor has no instructions for bfloat16 ones");
    }

    /// <summary>Takes bfloat16 where it is clearly faster.</summary>
    /// <param name="time">The clock to measure by.</param>
    internal static ComputeTypeChoice ByMeasuring(TimeProvider time)
    {
        double single = BestSeconds(ScalarType.Float32, time);
        double half = BestSeconds(ScalarType.BFloat16, time);
        string speed = (single / half).ToString("G2", CultureInfo.InvariantCulture);
        return new(
            single / half >= LeastGain ? ComputeType.Bfloat16 : ComputeType.Float32,
            $"bfloat16 products are {speed} times as fast as float32 ones on this processor");
    }

    private static double BestSeconds(ScalarType type, TimeProvider time)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor left = ones([Order, Order]), right = ones([Order, Order]);
        double best = double.PositiveInfinity;
        for (int run = 0; run < Runs; run++)
        {
            using DisposeScope one = NewDisposeScope();
            long started = time.GetTimestamp();
            if (type == ScalarType.BFloat16)
                Bfloat16Product.Result(Bfloat16Product.Factor(left).mm(Bfloat16Product.Factor(right)));
            else
                left.mm(right);
            best = Math.Min(best, time.GetElapsedTime(started).TotalSeconds);
        }

        return best;
    }
}
