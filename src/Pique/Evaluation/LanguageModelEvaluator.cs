using Pique.Data;
using Pique.Models;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Evaluation;

/// <summary>Measures perplexity and, against a teacher, divergence, in one pass over batches of tokens; docs/math.md §8.</summary>
/// <remarks>Log-probabilities are computed in float32 and added up in float64, so the size of the batches does not show in the result.</remarks>
public static class LanguageModelEvaluator
{
    /// <summary>Logits in memory at a time, of each of some six tensors of them.</summary>
    private const long MostLogits = 1 << 23;

    private const long LeastPositions = 32;

    /// <summary>Runs the model over the batches. Only positions whose <see cref="TokenBatch.LossMask"/> is 1 count.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batches">Batches; disposed here one by one.</param>
    /// <param name="textBytes">Bytes of UTF-8 text that the counted tokens spell; at least 1.</param>
    /// <param name="teacher">Model to compare with, of the same vocabulary; null for none.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="textBytes"/> is less than 1.</exception>
    /// <exception cref="InputException">No token counts, or the vocabularies differ.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public static LanguageModelQuality Evaluate(
        CausalLanguageModel model,
        IEnumerable<TokenBatch> batches,
        long textBytes,
        CausalLanguageModel? teacher = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(textBytes, 1);
        if (teacher is not null && teacher.VocabularySize != model.VocabularySize)
        {
            throw new InputException(
                $"The teacher knows {teacher.VocabularySize} tokens and the model {model.VocabularySize}; their distributions cannot be compared. Give a teacher with the same vocabulary.");
        }

        var sums = new Sums();
        foreach (TokenBatch batch in batches)
        {
            using (batch)
            {
                cancellationToken.ThrowIfCancellationRequested();
                sums.Add(model, teacher, batch);
            }
        }

        return sums.Result(textBytes, teacher is not null);
    }

    private sealed class Sums
    {
        private readonly List<float> _divergences = [];
        private double _loss;
        private double _squaredDelta;
        private long _agreements;
        private long _tokens;

        public void Add(CausalLanguageModel model, CausalLanguageModel? teacher, TokenBatch batch)
        {
            // Not inference_mode: tables that a model keeps from this pass must still serve its training.
            using IDisposable noGradients = no_grad();
            using DisposeScope scope = NewDisposeScope();
            Tensor counted = batch.LossMask.reshape(-1).nonzero().squeeze(1);
            if (counted.shape[0] == 0)
            {
                return;
            }

            Tensor states = States(model, batch, counted);
            Tensor? others = teacher is null ? null : States(teacher, batch, counted);
            Tensor targets = batch.Targets.reshape(-1).index_select(0, counted).unsqueeze(1);
            long most = Math.Max(LeastPositions, MostLogits / model.VocabularySize);
            for (long first = 0; first < counted.shape[0]; first += most)
            {
                using DisposeScope piece = NewDisposeScope();
                long count = Math.Min(most, counted.shape[0] - first);
                Add(
                    LogProbabilities(model, states.narrow(0, first, count)),
                    teacher is null ? null : LogProbabilities(teacher, others!.narrow(0, first, count)),
                    targets.narrow(0, first, count));
            }
        }

        private void Add(Tensor student, Tensor? reference, Tensor targets)
        {
            Tensor truth = student.gather(1, targets);
            _loss -= truth.sum(ScalarType.Float64).item<double>();
            _tokens += targets.shape[0];
            if (reference is null)
            {
                return;
            }

            // No divergence is negative; rounding may leave one of a hair's breadth below zero.
            Tensor divergence = (reference.exp() * (reference - student)).sum(1).clamp_min(HeldScalar.Of(0));
            _divergences.AddRange(divergence.data<float>().ToArray());
            _agreements += student.argmax(1).eq(reference.argmax(1)).sum().item<long>();
            _squaredDelta += (truth.exp() - reference.gather(1, targets).exp()).Squared().sum(ScalarType.Float64).item<double>();
        }

        public LanguageModelQuality Result(long textBytes, bool compared)
        {
            if (_tokens == 0)
            {
                throw new InputException("Nothing to evaluate: no token of the data counts in the loss. Give data with at least one text or answer.");
            }

            return new LanguageModelQuality
            {
                Tokens = _tokens,
                TextBytes = textBytes,
                LossNats = _loss / _tokens,
                Teacher = compared
                    ? new TeacherAgreement(
                        _divergences.Sum(value => (double)value) / _tokens,
                        Percentile99(),
                        (double)_agreements / _tokens,
                        Math.Sqrt(_squaredDelta / _tokens))
                    : null,
            };
        }

        /// <summary>Hidden states at the counted positions, shape [counted, hidden].</summary>
        private static Tensor States(CausalLanguageModel model, TokenBatch batch, Tensor counted)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor hidden = model.HiddenStates(batch.Inputs);
            return hidden.reshape(-1, hidden.shape[^1]).index_select(0, counted).MoveToOuterDisposeScope();
        }

        /// <summary>Log-probabilities, shape [positions, vocabulary].</summary>
        private static Tensor LogProbabilities(CausalLanguageModel model, Tensor states)
        {
            using DisposeScope scope = NewDisposeScope();
            return nn.functional.log_softmax(model.Logits(states), dim: 1).MoveToOuterDisposeScope();
        }

        /// <summary>Nearest-rank percentile.</summary>
        private double Percentile99()
        {
            _divergences.Sort();
            return _divergences[(int)Math.Ceiling(0.99 * _divergences.Count) - 1];
        }
    }
}
