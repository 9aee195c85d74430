using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>Weights to start pretraining from.</summary>
/// <remarks>Radford et al. 2019 (GPT-2), section 2.3: normal weights, the projections that write to the residual stream scaled down by the square root of their number.</remarks>
public static class LlamaInitializer
{
    /// <summary>Standard deviation of every matrix that does not write to the residual stream.</summary>
    public const double StandardDeviation = 0.02;

    /// <summary>Draws every matrix, sets every gain to one and every bias to zero.</summary>
    /// <param name="model">Model to initialize in place.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    public static void Initialize(LlamaModel model, long seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        double writerDeviation = StandardDeviation / Math.Sqrt(2.0 * model.Config.LayerCount);
        using IDisposable noGradients = no_grad();
        using Generator generator = new((ulong)seed, CPU);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            using DisposeScope scope = NewDisposeScope();
            if (parameter.dim() == 1)
                parameter.fill_(HeldScalar.Of(IsBias(name) ? 0 : 1));
            else
                parameter.copy_(randn(parameter.shape, generator: generator).mul_(HeldScalar.Of(IsWriter(name) ? writerDeviation : StandardDeviation)));
        }
    }

    private static bool IsBias(string name) => name.EndsWith(".bias", StringComparison.Ordinal);

    private static bool IsWriter(string name) =>
        name.EndsWith(".o_proj.weight", StringComparison.Ordinal) || name.EndsWith(".down_proj.weight", StringComparison.Ordinal);
}
