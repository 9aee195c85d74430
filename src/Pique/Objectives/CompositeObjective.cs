using Pique.Configuration;
using Pique.Data;
using Pique.Models;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>L = λ_task·L_task + λ_kd·L_KD + λ_reasoning·L_reasoning; docs/math.md §4. A term whose λ is 0 is not computed, L_task excepted.</summary>
/// <remarks>
/// The output head and the softmax are computed only at positions some term reads: the unmasked ones and those that predict a reasoning
/// token; on the CPU by <see cref="FusedObjective"/>, which makes no tensor of tokens × vocabulary, elsewhere by <see cref="PlainObjective"/>.
/// </remarks>
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

    /// <summary>Take the plain way on the CPU too: the reference of tests.</summary>
    internal bool IsPlain { get; init; }

    /// <summary>Positions of a chunk of the fused way; null for as many as suit the vocabulary.</summary>
    internal int? ChunkRows { get; init; }

    /// <summary>Computes the terms of one batch.</summary>
    /// <param name="student">Model whose parameters receive gradients.</param>
    /// <param name="teacher">Teacher, or null: then only L_task counts.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="teacherLearns">Whether the teacher's own task loss is wanted too.</param>
    /// <exception cref="InputException">The teacher's vocabulary or hidden width differs from the student's.</exception>
    public ObjectiveTerms Compute(CausalLanguageModel student, CausalLanguageModel? teacher, TokenBatch batch, bool teacherLearns = false)
    {
        using DisposeScope scope = NewDisposeScope();
        ReasoningPlan? plan = PlanOf(batch, teacher is not null);
        PositionSelection positions = PositionSelection.Create(batch, plan);
        if (teacher is null || (_weights.LambdaKd == 0 && plan is null && !teacherLearns))
            return Compute(student, null, batch, positions, plan).Kept(null);

        RequireSameVocabulary(teacher.VocabularySize, student.VocabularySize);
        Tensor states = teacherLearns ? States(teacher, batch) : StatesWithoutGradient(teacher, batch);
        using LiveTeacherRows rows = new(teacher, positions.Select(states));
        TeacherView view = new(rows, plan is null ? null : states.detach().index_select(0, tensor(plan.StepEnds.ToArray(), device: states.device)));
        Terms terms = Compute(student, view, batch, positions, plan);
        return terms.Kept(teacherLearns ? OfLogits(teacher, positions.Select(states), null, positions, new(1, 0, 0, 1)).Total : null);
    }

    /// <summary>Computes the terms of one batch beside teacher outputs kept on disk.</summary>
    /// <param name="student">Model whose parameters receive gradients.</param>
    /// <param name="teacher">Outputs of the teacher for the data set the batch is of.</param>
    /// <param name="batch">The batch.</param>
    /// <exception cref="InputException">The teacher's vocabulary or hidden width differs from the student's, or its files cannot be read.</exception>
    public ObjectiveTerms ComputeWithKeptTeacher(CausalLanguageModel student, TeacherCache teacher, TokenBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        ReasoningPlan? plan = PlanOf(batch, hasTeacher: true);
        PositionSelection positions = PositionSelection.Create(batch, plan);
        RequireSameVocabulary(teacher.Key.VocabularySize, student.VocabularySize);
        using TeacherRows rows = teacher.RowsOf(batch, positions.Flat);
        return Compute(student, new TeacherView(rows, plan is null ? null : teacher.EndStates(batch, plan.StepEnds)), batch, positions, plan).Kept(null);
    }

    private Terms Compute(CausalLanguageModel student, TeacherView? teacher, TokenBatch batch, PositionSelection positions, ReasoningPlan? plan)
    {
        Tensor states = States(student, batch);
        LogitLossWeights weights = LogitLossWeights.Of(_weights, teacher is not null, plan is not null);
        LogitTerms terms = OfLogits(student, positions.Select(states), teacher?.Rows, positions, weights);
        if (plan is null)
            return new(terms.Total, terms, 0);
        RequireSameWidth(teacher!.EndStates!.shape[1], states.shape[1]);
        Tensor angles = ReasoningLoss.Compute(plan, _reasoning, states, teacher.EndStates);
        return new(terms.Total.add(angles.mul(HeldScalar.Of(_weights.LambdaReasoning)), HeldScalar.Of(1)), terms, terms.TokenDivergence + angles.item<float>());
    }

    private LogitTerms OfLogits(CausalLanguageModel model, Tensor states, TeacherRows? teacher, PositionSelection positions, LogitLossWeights weights) =>
        !IsPlain && FusedObjective.Accepts(states) && model.FactorLogits(states) is { } factors
            ? FusedObjective.Compute(factors, teacher, positions, weights, ChunkRows, model.ProductType)
            : PlainObjective.Compute(model.Logits(states), teacher, positions, weights);

    private ReasoningPlan? PlanOf(TokenBatch batch, bool hasTeacher)
    {
        if (!hasTeacher || _weights.LambdaReasoning == 0)
            return null;
        ReasoningPlan plan = ReasoningPlan.Create(batch.Spans, batch.Inputs.shape[1], _reasoning);
        return plan.IsEmpty ? null : plan;
    }

    /// <summary>Final-layer hidden states, shape [rows·context, hidden].</summary>
    private static Tensor States(CausalLanguageModel model, TokenBatch batch)
    {
        Tensor states = model.HiddenStates(batch.Inputs);
        return states.reshape(-1, states.shape[^1]);
    }

    private static Tensor StatesWithoutGradient(CausalLanguageModel model, TokenBatch batch)
    {
        using IDisposable guard = no_grad();
        return States(model, batch);
    }

    private static void RequireSameVocabulary(long teacher, long student)
    {
        if (teacher != student)
        {
            throw new InputException(
                $"The teacher has {teacher} token ids, the student {student}; distillation needs one vocabulary: choose a teacher with the student's tokenizer, or set use_distillation to false.");
        }
    }

    private static void RequireSameWidth(long teacher, long student)
    {
        if (teacher != student)
        {
            throw new InputException(
                $"The teacher's hidden states are {teacher} wide, the student's {student}; the reasoning loss compares them: choose a teacher of the same width, or set lambda_reasoning to 0.");
        }
    }

    /// <summary>What a teacher makes of a batch.</summary>
    /// <param name="Rows">Its distributions at the selected positions.</param>
    /// <param name="EndStates">Its hidden states at the ends of steps, shape [ends, hidden]; null without a plan.</param>
    private sealed record TeacherView(TeacherRows Rows, Tensor? EndStates);

    private readonly record struct Terms(Tensor Total, LogitTerms OfLogits, double Reasoning)
    {
        /// <summary>The terms, taken out of the current dispose scope.</summary>
        public ObjectiveTerms Kept(Tensor? teacherTask) => new(
            Total.MoveToOuterDisposeScope(),
            (float)OfLogits.Task,
            (float)OfLogits.Distillation,
            (float)Reasoning,
            teacherTask?.MoveToOuterDisposeScope());
    }
}
