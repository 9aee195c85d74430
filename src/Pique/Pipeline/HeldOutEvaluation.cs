using Pique.Evaluation;
using Pique.Formats;
using Pique.Models;
using Pique.Quantization;

namespace Pique.Pipeline;

/// <summary>Measures a model on the held-out data of a run.</summary>
public static class HeldOutEvaluation
{
    /// <summary>Held-out loss alone, for decisions while training.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">Held-out data.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    /// <returns>Nats per token.</returns>
    public static double Loss(CausalLanguageModel model, PreparedData data, CancellationToken cancellationToken)
    {
        using IDisposable held = ModelQuantizer.HoldWeights(model.QuantizableLayers);
        return LanguageModelEvaluator.Evaluate(model, data.HeldOut.Batches(epoch: 0), data.HeldOutBytes, teacher: null, cancellationToken).LossNats;
    }

    /// <summary>Perplexity, agreement with the teacher, reasoning and tool calls.</summary>
    /// <param name="name">Name of the row.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="data">Held-out data.</param>
    /// <param name="teacher">Model to compare with; null for none.</param>
    /// <param name="size">Stored bits per weight and bytes of the weights' file.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    public static ModelScore Measure(
        string name,
        CausalLanguageModel model,
        ITextTokenizer tokenizer,
        PreparedData data,
        CausalLanguageModel? teacher,
        ModelSize size,
        CancellationToken cancellationToken = default)
    {
        using IDisposable held = ModelQuantizer.HoldWeights(model.QuantizableLayers);
        return new()
        {
            Name = name,
            BitsPerWeight = size.BitsPerWeight,
            FileBytes = size.FileBytes,
            Quality = LanguageModelEvaluator.Evaluate(model, data.HeldOut.Batches(epoch: 0), data.HeldOutBytes, teacher, cancellationToken),
            Reasoning = AnswerEvaluator.Reasoning(model, tokenizer, data.HeldOutRecords, cancellationToken),
            ToolCalls = AnswerEvaluator.ToolCalls(model, tokenizer, data.HeldOutRecords, cancellationToken),
        };
    }
}
