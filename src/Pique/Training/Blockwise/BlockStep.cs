using Pique.Models.Llama;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>One step of optimization of one block: loss → gradients → clip → AdamW → quantizer invariants. A step whose loss or gradient is not finite changes nothing.</summary>
/// <param name="model">The student.</param>
/// <param name="block">The block.</param>
/// <param name="learner">What is trained of it.</param>
/// <param name="parts">Parts a batch is taken in.</param>
internal sealed class BlockStep(LlamaModel model, LlamaBlock block, Learner learner, int parts)
{
    /// <summary>Makes the step.</summary>
    /// <param name="batch">Its rows.</param>
    /// <param name="learningRateFactor">The schedule's value.</param>
    public StepOutcome Run(ActivationBatch batch, double learningRateFactor)
    {
        using DisposeScope scope = NewDisposeScope();
        long rows = batch.Inputs.shape[0];
        long count = Math.Min(parts, rows);
        learner.SetStrength(1);
        learner.SetDampeningShare(1.0 / count);
        double loss = 0;
        for (long part = 0; part < count; part++)
            loss += AddGradients(batch.Rows(part * rows / count, (part + 1) * rows / count));
        StepOutcome outcome = new(loss, 0, 0, 0, learner.MeasureGradients(), null);
        if (double.IsFinite(loss) && double.IsFinite(outcome.GradNorm))
            learner.Update(learningRateFactor);
        else
            outcome = outcome with { Fault = NonFiniteDiagnosis.Of(outcome, learner, null) };
        learner.Optimizer.ClearGradients();
        return outcome;
    }

    private float AddGradients(ActivationBatch part)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = ActivationStore.Advance(model, block, part.Inputs);
        Tensor loss = BlockLoss.SumOfSquares(output, part).div(HeldScalar.Of((float)part.TokenCount * output.shape[^1]));
        BackwardPass.Run(loss);
        return loss.item<float>();
    }
}
