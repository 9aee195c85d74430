using Pique.Data;
using Pique.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Loss of the next token, for the sensitivity of layers.</summary>
internal static class NextTokenLoss
{
    /// <summary>Sum of the losses of a batch's trained tokens, in nats.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The batch.</param>
    /// <returns>A scalar with its gradient, owned by the caller; and the number of trained tokens.</returns>
    public static (Tensor Sum, long TokenCount) Of(CausalLanguageModel model, TokenBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor trained = batch.LossMask.reshape(-1).nonzero().squeeze(1);
        Tensor targets = batch.Targets.reshape(-1).index_select(0, trained).unsqueeze(1);
        Tensor hidden = model.HiddenStates(batch.Inputs);
        Tensor rows = hidden.reshape(-1, hidden.shape[^1]).index_select(0, trained);
        Tensor sum = nn.functional.log_softmax(model.Logits(rows), dim: 1).gather(1, targets).sum().neg();
        return (sum.MoveToOuterDisposeScope(), trained.shape[0]);
    }

    /// <summary>Mean loss over rows, in nats per token.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows, in any number of batches.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static double Mean(CausalLanguageModel model, PackedDataset rows, CancellationToken cancellationToken)
    {
        using IDisposable noGradient = no_grad();
        double sum = 0;
        long tokens = 0;
        foreach (TokenBatch batch in rows.Batches(epoch: 0))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            using (batch)
            {
                (Tensor loss, long count) = Of(model, batch);
                sum += loss.item<float>();
                tokens += count;
            }
        }

        return sum / Math.Max(1, tokens);
    }
}
