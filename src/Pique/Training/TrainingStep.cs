using Pique.Data;
using Pique.Models;
using Pique.Numerics;
using Pique.Objectives;
using TorchSharp;

namespace Pique.Training;

/// <summary>One step of optimization: losses → gradients → clip → AdamW → quantizer invariants. A step whose loss or gradient is not finite changes nothing.</summary>
internal sealed class TrainingStep
{
    private readonly CausalLanguageModel _student;
    private readonly CausalLanguageModel? _teacher;
    private readonly Learner _learner;
    private readonly Learner? _teacherLearner;
    private readonly TrainerOptions _options;
    private readonly TeacherCache? _teacherOutputs;
    private readonly CompositeObjective _objective;

    /// <summary>Binds models and learners.</summary>
    /// <param name="student">Model to train.</param>
    /// <param name="learner">Its learner.</param>
    /// <param name="teacher">Teacher, or null.</param>
    /// <param name="teacherLearner">Its learner where it learns, else null.</param>
    /// <param name="options">Weights of the losses, parts of a batch.</param>
    /// <param name="teacherOutputs">Kept outputs of the teacher, read in place of running it; null for none.</param>
    public TrainingStep(CausalLanguageModel student, Learner learner, CausalLanguageModel? teacher, Learner? teacherLearner, TrainerOptions options, TeacherCache? teacherOutputs = null)
    {
        _student = student;
        _learner = learner;
        _teacher = teacher;
        _teacherLearner = teacherLearner;
        _options = options;
        _teacherOutputs = teacherOutputs;
        _objective = new(options.LossWeights, options.ReasoningLoss);
    }

    /// <summary>Makes the step.</summary>
    /// <param name="batch">Its batch.</param>
    /// <param name="plan">Learning rate and strength.</param>
    public StepOutcome Run(TokenBatch batch, StepPlan plan)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        _learner.SetStrength(plan.Strength);
        _learner.DropComponents(_options.AdapterDropout, _options.Training.Seed);
        StepOutcome losses = Accumulate(batch);
        double norm = _learner.MeasureGradients();
        double teacherNorm = _teacherLearner?.MeasureGradients() ?? 0;
        StepOutcome outcome = losses with { GradNorm = norm };
        if (double.IsFinite(outcome.Loss) && double.IsFinite(norm) && double.IsFinite(teacherNorm))
        {
            _learner.Update(plan.LearningRateFactor);
            _teacherLearner?.Update(plan.LearningRateFactor);
        }
        else
        {
            outcome = outcome with { Fault = NonFiniteDiagnosis.Of(outcome, _learner, _teacherLearner is null ? null : (_teacherLearner, teacherNorm)) };
        }

        _learner.KeepComponents();
        ClearGradients();
        return outcome;
    }

    /// <summary>Computes the gradients of a batch and drops them: what a step takes without what it does.</summary>
    /// <param name="batch">The batch.</param>
    public void Rehearse(TokenBatch batch)
    {
        _learner.SetStrength(1);
        AddGradients(_objective, batch, 1);
        ClearGradients();
    }

    /// <summary>Drops all gradients.</summary>
    public void ClearGradients()
    {
        _learner.Optimizer.ClearGradients();
        _teacherLearner?.Optimizer.ClearGradients();
    }

    /// <summary>Leaves the gradients of the whole batch, however many parts it is taken in.</summary>
    private StepOutcome Accumulate(TokenBatch batch)
    {
        int parts = (int)Math.Min(_options.Training.AccumulationSteps, batch.Inputs.shape[0]);
        _learner.SetDampeningShare(1.0 / parts);
        if (parts == 1)
        {
            return AddGradients(_objective, batch, 1);
        }

        StepOutcome sum = new(0, 0, 0, 0, 0, null);
        foreach (MicroBatch part in MicroBatch.Divide(batch, parts, _options))
        {
            using (part)
            {
                StepOutcome own = AddGradients(new(part.LossWeights, part.ReasoningLoss), part.Batch, part.TokenShare);
                sum = sum with
                {
                    Loss = sum.Loss + own.Loss,
                    TaskLoss = sum.TaskLoss + (part.TokenShare * own.TaskLoss),
                    KdLoss = sum.KdLoss + (part.TokenShare * own.KdLoss),
                    ReasoningLoss = sum.ReasoningLoss + own.ReasoningLoss,
                };
            }
        }

        return sum;
    }

    private StepOutcome AddGradients(CompositeObjective objective, TokenBatch batch, double teacherShare)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        using ObjectiveTerms terms = _teacherOutputs is { } outputs
            ? objective.ComputeWithKeptTeacher(_student, outputs, batch)
            : objective.Compute(_student, _teacher, batch, _teacherLearner is not null);
        BackwardPass.Run(terms.Total);
        if (terms.TeacherTask is { } teacherTask)
        {
            BackwardPass.Run(teacherShare == 1 ? teacherTask : teacherTask.mul(HeldScalar.Of(teacherShare)));
        }

        return new(terms.Total.item<float>(), terms.Task, terms.Distillation, terms.Reasoning, 0, null);
    }
}
