using Pique.Data;
using Pique.Models;
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
    private readonly CompositeObjective _objective;

    /// <summary>Binds models and learners.</summary>
    /// <param name="student">Model to train.</param>
    /// <param name="learner">Its learner.</param>
    /// <param name="teacher">Teacher, or null.</param>
    /// <param name="teacherLearner">Its learner where it learns, else null.</param>
    /// <param name="options">Weights of the losses.</param>
    public TrainingStep(CausalLanguageModel student, Learner learner, CausalLanguageModel? teacher, Learner? teacherLearner, TrainerOptions options)
    {
        _student = student;
        _learner = learner;
        _teacher = teacher;
        _teacherLearner = teacherLearner;
        _objective = new(options.LossWeights, options.ReasoningLoss);
    }

    /// <summary>Makes the step.</summary>
    /// <param name="batch">Its batch.</param>
    /// <param name="plan">Learning rate and strength.</param>
    public StepOutcome Run(TokenBatch batch, StepPlan plan)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        _learner.SetStrength(plan.Strength);
        using ObjectiveTerms terms = _objective.Compute(_student, _teacher, batch, _teacherLearner is not null);
        terms.Total.backward();
        terms.TeacherTask?.backward();
        StepOutcome outcome = new(terms.Total.item<float>(), terms.Task, terms.Distillation, terms.Reasoning, _learner.Clip(), null);
        double teacherNorm = _teacherLearner?.Clip() ?? 0;
        if (double.IsFinite(outcome.Loss) && double.IsFinite(outcome.GradNorm) && double.IsFinite(teacherNorm))
        {
            _learner.Update(plan.LearningRateFactor);
            _teacherLearner?.Update(plan.LearningRateFactor);
        }
        else
        {
            outcome = outcome with { Fault = NonFiniteDiagnosis.Of(outcome, _learner, _teacherLearner is null ? null : (_teacherLearner, teacherNorm)) };
        }

        ClearGradients();
        return outcome;
    }

    /// <summary>Drops all gradients.</summary>
    public void ClearGradients()
    {
        _learner.Optimizer.ClearGradients();
        _teacherLearner?.Optimizer.ClearGradients();
    }
}
