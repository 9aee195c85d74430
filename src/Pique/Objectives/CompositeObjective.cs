using Pique.Configuration;
using Pique.Data;
using Pique.Models;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>L = λ_task·L_task + λ_kd·L_KD + λ_reasoning·L_reasoning; math of record §4. A term whose λ is 0 is not computed, L_task excepted.</summary>
/// <remarks>The output head and the softmax are computed only at positions some term reads: the unmasked ones and those that predict a reasoning token.</remarks>
public sealed class CompositeObjective
{
    private readonly QatLossWeights _weights;
    private readonly ReasoningLossOptions _reasoning;

    /// <summary>Creates the objective.</summary>
    /// <param name="weights">λs and temperature.</param>
    /// <param name="reasoning">Weights inside the reasoning loss; null for the defaults.</param>
    public CompositeObjective(QatLossWeights weights, ReasoningLossOptions? reasoning = null)
    {
        _weights = weights;
        _reasoning = reasoning ?? new();
    }

    /// <summary>Cross-entropy alone, as in pretraining.</summary>
    public static CompositeObjective TaskOnly { get; } = new(new() { LambdaTask = 1, LambdaKd = 0, LambdaReasoning = 0 });

    /// <summary>Computes the terms of one batch.</summary>
    /// <param name="student">Model whose parameters receive gradients.</param>
    /// <param name="teacher">Teacher, or null: then only L_task counts.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="teacherLearns">Whether the teacher's own task loss is wanted too.</param>
    /// <exception cref="InputException">The teacher's vocabulary or hidden width differs from the student's.</exception>
    public ObjectiveTerms Compute(CausalLanguageModel student, CausalLanguageModel? teacher, TokenBatch batch, bool teacherLearns = false)
    {
        using DisposeScope scope = NewDisposeScope();
        bool distils = teacher is not null && _weights.LambdaKd > 0;
        ReasoningPlan? plan = teacher is not null && _weights.LambdaReasoning > 0
            ? ReasoningPlan.Create(batch.Spans, batch.Inputs.shape[1], _reasoning)
            : null;
        if (plan is { IsEmpty: true })
        {
            plan = null;
        }

        PositionSelection positions = PositionSelection.Create(batch, plan);
        View own = View.Of(student, batch, positions);
        Tensor ownLog = nn.functional.log_softmax(own.Logits, -1);
        Tensor task = TaskLoss.Compute(ownLog, positions.Targets, positions.Mask);
        Tensor total = task.mul(HeldScalar.Of(_weights.LambdaTask));
        Tensor? kd = null, reasoning = null, teacherTask = null;

        if (distils || plan is not null || (teacher is not null && teacherLearns))
        {
            View other = teacherLearns ? View.Of(teacher!, batch, positions) : View.WithoutGradient(teacher!, batch, positions);
            RequireSameShape(own, other, plan is not null);
            Tensor? otherLog = teacherLearns || plan is not null || _weights.KdTemperature == 1
                ? nn.functional.log_softmax(other.Logits, -1)
                : null;
            if (distils)
            {
                float temperature = _weights.KdTemperature;
                kd = temperature == 1
                    ? DistillationLoss.Compute(ownLog, otherLog!, positions.Mask, 1)
                    : DistillationLoss.Compute(
                        nn.functional.log_softmax(own.Logits.div(HeldScalar.Of(temperature)), -1),
                        nn.functional.log_softmax(other.Logits.detach().div(HeldScalar.Of(temperature)), -1),
                        positions.Mask,
                        temperature);
                total += kd.mul(HeldScalar.Of(_weights.LambdaKd));
            }

            if (plan is not null)
            {
                Tensor tokens = positions.ReasoningRows!;
                Tensor divergence = DistillationLoss.Divergence(ownLog.index_select(0, tokens), otherLog!.index_select(0, tokens));
                reasoning = ReasoningLoss.Compute(plan, _reasoning, own.Hidden, other.Hidden, divergence);
                total += reasoning.mul(HeldScalar.Of(_weights.LambdaReasoning));
            }

            if (teacherLearns)
            {
                teacherTask = TaskLoss.Compute(otherLog!, positions.Targets, positions.Mask).MoveToOuterDisposeScope();
            }
        }

        return new(total.MoveToOuterDisposeScope(), task.item<float>(), Value(kd), Value(reasoning), teacherTask);
    }

    private static float Value(Tensor? term) => term is null ? 0 : term.item<float>();

    private static void RequireSameShape(View student, View teacher, bool comparesHidden)
    {
        if (student.Logits.shape[1] != teacher.Logits.shape[1])
        {
            throw new InputException(
                $"The teacher has {teacher.Logits.shape[1]} token ids, the student {student.Logits.shape[1]}; distillation needs one vocabulary: choose a teacher with the student's tokenizer, or set use_distillation to false.");
        }

        if (comparesHidden && student.Hidden.shape[1] != teacher.Hidden.shape[1])
        {
            throw new InputException(
                $"The teacher's hidden states are {teacher.Hidden.shape[1]} wide, the student's {student.Hidden.shape[1]}; the reasoning loss compares them: choose a teacher of the same width, or set lambda_reasoning to 0.");
        }
    }

    /// <summary>What one model makes of a batch.</summary>
    /// <param name="Hidden">Shape [rows·context, hidden].</param>
    /// <param name="Logits">Shape [positions, vocabulary].</param>
    private readonly record struct View(Tensor Hidden, Tensor Logits)
    {
        public static View Of(CausalLanguageModel model, TokenBatch batch, PositionSelection positions)
        {
            Tensor hidden = model.HiddenStates(batch.Inputs);
            hidden = hidden.reshape(-1, hidden.shape[^1]);
            return new(hidden, model.Logits(positions.Select(hidden)));
        }

        public static View WithoutGradient(CausalLanguageModel model, TokenBatch batch, PositionSelection positions)
        {
            using IDisposable guard = no_grad();
            return Of(model, batch, positions);
        }
    }
}
