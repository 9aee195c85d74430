using Pique.Models;
using Pique.Numerics;
using Pique.Quantization.Frozen;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Objectives;

/// <summary>From hidden states to losses and their gradients in one pass; docs/math.md §4. Arguments: input of the head; its weight; <see cref="Call"/>.</summary>
/// <remarks>
/// The head's product is taken for a chunk of positions at a time, of the student and of the teacher. One kernel turns a chunk's logits
/// into its losses and, in their place, their gradient, from which the chunk's share of the gradients of hidden states and head follows
/// at once. So logits exist for one chunk only and none are kept for the backward pass, which merely scales by the upstream gradient.
/// <para>
/// As in <see cref="Quantization.FakeQuantizeFunction"/> the gradient of a head that is a leaf goes straight into its <c>grad</c>. A graph
/// with this function in it is to be differentiated once.
/// </para>
/// </remarks>
internal sealed class FusedObjective : SingleTensorFunction<FusedObjective>
{
    private const string CallKey = "call";

    public override string Name => nameof(FusedObjective);

    /// <summary>Whether the pass can be taken: on the CPU, of float32 hidden states.</summary>
    /// <param name="hidden">Hidden states.</param>
    public static bool Accepts(Tensor hidden) => hidden is { device_type: DeviceType.CPU, dtype: ScalarType.Float32 };

    /// <summary>Computes the terms.</summary>
    /// <param name="student">The student's head at the selected positions; input shape [positions, hidden], both contiguous.</param>
    /// <param name="teacher">The teacher's distributions there, or null.</param>
    /// <param name="positions">The positions.</param>
    /// <param name="weights">Factors of the terms.</param>
    /// <param name="chunkRows">Positions of a chunk; null for <see cref="LogitChunk.RowsFor"/>.</param>
    /// <param name="computeType">Type the factors of the products are rounded to: Float32 or BFloat16.</param>
    /// <exception cref="InputException">A target is no token of the vocabulary.</exception>
    public static LogitTerms Compute(
        LogitFactors student, TeacherRows? teacher, PositionSelection positions, LogitLossWeights weights, int? chunkRows = null, ScalarType computeType = ScalarType.Float32)
    {
        using DisposeScope scope = NewDisposeScope();
        bool differentiates = is_grad_enabled();
        Call call = new(teacher, new(positions.Targets, positions.Weights, positions.DivergenceWeights), weights, chunkRows ?? LogitChunk.RowsFor(student.Weight.shape[0]))
        {
            ComputeType = computeType,
            Frozen = student.Frozen,
            NeedsInput = differentiates && student.Input.requires_grad,
            NeedsWeight = differentiates && student.Weight.requires_grad,
        };
        Tensor total = apply(student.Input, student.Weight, call);
        return new(total.MoveToOuterDisposeScope(), call.Task, call.Distillation, call.Divergence);
    }

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        (Tensor input, Tensor weight, Call call) = ((Tensor)vars[0], (Tensor)vars[1], (Call)vars[2]);
        using DisposeScope scope = NewDisposeScope();
        Tensor inputGradient = call.NeedsInput ? empty(input.shape) : empty(0);
        Tensor weightGradient = !call.NeedsWeight ? empty(0) : input.shape[0] == 0 ? zeros(weight.shape) : empty(weight.shape);
        HeadProducts products = new(new(input, weight) { Frozen = call.Frozen }, call.ComputeType);
        Tensor buffer = empty([Math.Min(call.ChunkRows, input.shape[0]), products.Vocabulary]);
        for (int first = 0; first < input.shape[0]; first += call.ChunkRows)
        {
            using DisposeScope chunk = NewDisposeScope();
            int count = (int)Math.Min(call.ChunkRows, input.shape[0] - first);
            Tensor logits = buffer.narrow(0, 0, count);
            products.Logits(first, logits);
            call.Rows.Compute(first, logits, call.ReadsTeacher ? call.Teacher!.Read(first, count) : null, call.Weights.GradientFactors, call.Weights.Temperature);
            if (!call.NeedsInput && !call.NeedsWeight)
                continue;
            Tensor gradient = products.Factor(logits);
            if (call.NeedsInput)
                products.InputGradient(gradient, inputGradient.narrow(0, first, count));
            if (call.NeedsWeight)
                products.WeightGradient(gradient, first, weightGradient, accumulates: first > 0);
        }

        ctx.save_data(CallKey, call with { Teacher = null });
        ctx.save_for_backward([inputGradient.MoveToOuterDisposeScope(), weightGradient.MoveToOuterDisposeScope(), weight]);
        return tensor((float)call.Total).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        Call call = (Call)ctx.get_data(CallKey);
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor inputGradient, Tensor weightGradient, Tensor weight) = (saved[0], saved[1], saved[2]);
        float upstream = grad_output.item<float>();
        if (upstream != 1)
            (inputGradient, weightGradient) = (inputGradient.mul(HeldScalar.Of(upstream)), weightGradient.mul(HeldScalar.Of(upstream)));
        Tensor? handedOn = call.NeedsWeight ? weightGradient : null;
        if (call.NeedsWeight && weight is { is_leaf: true, dtype: ScalarType.Float32 })
        {
            if (weight.grad is { } existing)
                existing.add_(weightGradient, HeldScalar.Of(1));
            else
                weight.grad = weightGradient;
            handedOn = null;
        }

        BackwardPass.Release(ctx);
        return HandedGradients.Of([grad_output], call.NeedsInput ? inputGradient : null, handedOn, null);
    }

    /// <summary>What one call needs besides the tensors that take a gradient.</summary>
    /// <param name="Teacher">The teacher's distributions, or null.</param>
    /// <param name="Rows">Targets and weights of the positions, and room for their losses.</param>
    /// <param name="Weights">Factors of the terms.</param>
    /// <param name="ChunkRows">Positions of a chunk.</param>
    private sealed record Call(TeacherRows? Teacher, DistillationRows Rows, LogitLossWeights Weights, int ChunkRows)
    {
        /// <summary>Type the factors of the products are rounded to.</summary>
        public ScalarType ComputeType { get; init; }

        /// <summary>The head's weight, where it is frozen.</summary>
        public FrozenWeight? Frozen { get; init; }

        /// <summary>Whether the head's input takes a gradient.</summary>
        public bool NeedsInput { get; init; }

        /// <summary>Whether the head's weight takes a gradient.</summary>
        public bool NeedsWeight { get; init; }

        /// <summary>Whether a term asks for the teacher.</summary>
        public bool ReadsTeacher => Weights is not { Distillation: 0f, Divergence: 0f };

        /// <summary>L_task.</summary>
        public double Task => DistillationRows.WeightedSum(Rows.Weights, Rows.TaskNats);

        /// <summary>L_KD; 0 where it has no weight, whatever the positions weigh.</summary>
        public double Distillation => Weights.Distillation == 0f ? 0 : (double)Weights.Temperature * Weights.Temperature * DistillationRows.WeightedSum(Rows.Weights, Rows.DistillationNats);

        /// <summary>Divergence of reasoning tokens; 0 likewise.</summary>
        public double Divergence => Weights.Divergence == 0f ? 0 : DistillationRows.WeightedSum(Rows.DivergenceWeights, Rows.DivergenceNats);

        /// <summary>The weighted sum.</summary>
        public double Total => (Weights.Task * Task) + (Weights.Distillation * Distillation) + (Weights.Divergence * Divergence);
    }
}
