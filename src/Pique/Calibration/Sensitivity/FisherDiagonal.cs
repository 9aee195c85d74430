using Pique.Data;
using Pique.Models;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>The diagonal of the Fisher information of every weight, which stands for the curvature of the loss: it rises by about ½·Σ F·(w − ŵ)².</summary>
/// <remarks>
/// The empirical one, of the data's own next tokens. Gradients of a row's tokens add up before they are squared; as gradients of the
/// log-likelihood have mean zero, the squares of the sums over all rows divided by the number of tokens estimate the mean over tokens.
/// As in Optimal Brain Damage and after (LeCun, Denker and Solla 1990, equation 5, with the Fisher for the Hessian).
/// </remarks>
internal sealed class FisherDiagonal : IDisposable
{
    /// <summary>Rows whose gradients are taken: each costs a backward pass of its own.</summary>
    private const int MostRows = 64;

    private readonly Dictionary<string, Tensor> _diagonals;

    private FisherDiagonal(Dictionary<string, Tensor> diagonals) => _diagonals = diagonals;

    /// <summary>Gathers the diagonal over rows. It takes as much memory as the weights of the layers.</summary>
    /// <param name="model">The model in full precision; comes back without gradients.</param>
    /// <param name="layers">Layers by name.</param>
    /// <param name="samples">Rows; the first <see cref="MostRows"/> count.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static FisherDiagonal Gather(
        CausalLanguageModel model, IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers, PackedDataset samples, CancellationToken cancellationToken)
    {
        Dictionary<string, Tensor> sums = layers.ToDictionary(entry => entry.Name, entry => zeros_like(entry.Layer.Weight, requires_grad: false).DetachFromDisposeScope(), StringComparer.Ordinal);
        FisherDiagonal fisher = new(sums);
        try
        {
            long tokens = 0;
            foreach (TokenBatch row in Rows(samples).Take(MostRows))
            {
                cancellationToken.ThrowIfCancellationRequested();
                using DisposeScope scope = NewDisposeScope();
                using (row)
                {
                    (Tensor loss, long count) = NextTokenLoss.Of(model, row);
                    if (count == 0)
                        continue;
                    Numerics.BackwardPass.Run(loss);
                    tokens += count;
                }

                using IDisposable noGradient = no_grad();
                foreach ((string name, IQuantizableLayer layer) in layers)
                    sums[name].addcmul_(layer.Weight.grad!, layer.Weight.grad!, Numerics.HeldScalar.Of(1));
                ClearGradients(model);
            }

            foreach (Tensor sum in sums.Values)
                sum.div_(Numerics.HeldScalar.Of((double)Math.Max(1, tokens)));
            return fisher;
        }
        catch
        {
            fisher.Dispose();
            throw;
        }
        finally
        {
            ClearGradients(model);
        }
    }

    /// <summary>The rise of the loss that rounding a weight is predicted to cause, in nats per token.</summary>
    /// <param name="name">Name of the layer.</param>
    /// <param name="weight">Its weight.</param>
    /// <param name="rounded">The weight rounded, same shape.</param>
    public double PredictedRise(string name, Tensor weight, Tensor rounded)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return 0.5 * weight.sub(rounded).Squared().mul_(_diagonals[name]).sum(ScalarType.Float64).item<double>();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor diagonal in _diagonals.Values)
            diagonal.Dispose();
    }

    private static IEnumerable<TokenBatch> Rows(PackedDataset samples)
    {
        foreach (TokenBatch batch in samples.Batches(epoch: 0))
        {
            using (batch)
            {
                for (int row = 0; row < batch.Inputs.shape[0]; row++)
                    yield return new(batch.Inputs.narrow(0, row, 1), batch.Targets.narrow(0, row, 1), batch.LossMask.narrow(0, row, 1), [], 0);
            }
        }
    }

    private static void ClearGradients(CausalLanguageModel model)
    {
        foreach (Parameter parameter in model.parameters())
        {
            using Tensor? gradient = parameter.grad;
            parameter.grad = null;
        }
    }
}
