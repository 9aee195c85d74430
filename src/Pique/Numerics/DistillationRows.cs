using Pique.Numerics.Kernels;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Consecutive rows of logits with what their losses are made of, and room for the losses. All lists are as long as there are rows.</summary>
/// <param name="Targets">Next tokens.</param>
/// <param name="Weights">Weight of each row's cross-entropy and of its divergence at temperature T.</param>
/// <param name="DivergenceWeights">Weight of each row's divergence at temperature 1; empty where all are 0.</param>
internal sealed record DistillationRows(long[] Targets, float[] Weights, float[] DivergenceWeights)
{
    /// <summary>Each row's cross-entropy in nats.</summary>
    public double[] TaskNats { get; } = new double[Targets.Length];

    /// <summary>Each row's KL(p_t ‖ p_s) at temperature T in nats.</summary>
    public double[] DistillationNats { get; } = new double[Targets.Length];

    /// <summary>Each row's KL(p_t ‖ p_s) at temperature 1 in nats.</summary>
    public double[] DivergenceNats { get; } = new double[Targets.Length];

    /// <summary>Computes losses and gradient of some of the rows in one pass of a kernel.</summary>
    /// <param name="first">First of the rows.</param>
    /// <param name="student">Their logits, shape [rows, vocabulary], contiguous float32 on the CPU; overwritten by Σ factor·weight·∂nats/∂logits.</param>
    /// <param name="teacher">The teacher's; null for none.</param>
    /// <param name="factors">Factors of the three terms' gradients. A term whose factor is 0 is not computed, the cross-entropy excepted.</param>
    /// <param name="temperature">T.</param>
    /// <param name="form">Form of the kernel; null for the best.</param>
    /// <exception cref="InputException">A target is no token of the vocabulary.</exception>
    public unsafe void Compute(int first, Tensor student, TeacherLogits? teacher, RowFactors factors, float temperature, KernelForm? form = null)
    {
        (int rowCount, int vocabulary) = ((int)student.shape[0], (int)student.shape[1]);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rowCount, Targets.Length - first);
        RequireLength(Weights.Length, Targets.Length, nameof(Weights));
        if (DivergenceWeights.Length > 0)
            RequireLength(DivergenceWeights.Length, Targets.Length, nameof(DivergenceWeights));
        RequireTokens(Targets.AsSpan(first, rowCount), vocabulary);
        if (rowCount == 0)
            return;
        fixed (long* targets = Targets)
        fixed (float* weights = Weights, divergenceWeights = DivergenceWeights)
        fixed (double* taskNats = TaskNats, distillationNats = DistillationNats, divergenceNats = DivergenceNats)
        {
            DistillationRowsKernel.Arguments arguments = new()
            {
                RowCount = rowCount,
                Vocabulary = vocabulary,
                Student = TensorPointer.Of(student),
                Targets = targets + first,
                Weights = weights + first,
                DivergenceWeights = divergenceWeights == null ? null : divergenceWeights + first,
                Factors = factors,
                Temperature = temperature,
                TaskNats = taskNats + first,
                DistillationNats = distillationNats + first,
                DivergenceNats = divergenceNats + first,
            };
            teacher?.Fill(ref arguments);
            DistillationRowsKernel.Run(arguments, form ?? KernelForms.Best);
        }
    }

    /// <summary>Σ weight·nats, row by row in float64.</summary>
    public static double WeightedSum(float[] weights, double[] nats)
    {
        double sum = 0;
        for (int row = 0; row < weights.Length; row++)
            sum += weights[row] * nats[row];
        return sum;
    }

    private static void RequireLength(int found, int expected, string name)
    {
        if (found != expected)
            throw new ArgumentException($"Found {found} {name}, expected {expected}.", name);
    }

    private static void RequireTokens(ReadOnlySpan<long> targets, int vocabulary)
    {
        foreach (long target in targets)
        {
            if ((ulong)target >= (ulong)vocabulary)
                throw new InputException($"data: found the token id {target}, the model's vocabulary has {vocabulary} ids from 0 on; tokenize the data with the model's own tokenizer.");
        }
    }
}
