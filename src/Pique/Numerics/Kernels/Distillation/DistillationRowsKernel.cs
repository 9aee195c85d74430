using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Losses of rows of logits and their gradient, written over the student's logits; docs/math.md §4. A row is one token's work, so results do not depend on threads.</summary>
internal static unsafe class DistillationRowsKernel
{
    /// <summary>Computes the rows.</summary>
    /// <param name="arguments">What is read and written.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(in Arguments arguments, KernelForm form)
    {
        switch (form)
        {
            case KernelForm.Simd512:
                RunRows<LaneRowLoops<Lanes512>>(arguments);
                break;
            case KernelForm.Simd256:
                RunRows<LaneRowLoops<Lanes256>>(arguments);
                break;
            case KernelForm.Simd128:
                RunRows<LaneRowLoops<Lanes128>>(arguments);
                break;
            default:
                RunRows<ScalarRowLoops>(arguments);
                break;
        }
    }

    private static void RunRows<TLoops>(in Arguments arguments) where TLoops : unmanaged, IRowLoops
    {
        Rows<TLoops> work = new() { Arguments = arguments };
        KernelThreads.Run(ref work, arguments.RowCount, (long)arguments.RowCount * arguments.Vocabulary);
    }

    /// <summary>What the kernel reads and writes; arrays are as long as there are rows, and every target is within the vocabulary.</summary>
    internal struct Arguments
    {
        /// <summary>Number of rows.</summary>
        public int RowCount;

        /// <summary>Logits in a row.</summary>
        public int Vocabulary;

        /// <summary>Student's logits; overwritten by the gradient.</summary>
        public float* Student;

        /// <summary>The teacher's logits; null for none, or where only its likeliest tokens are known.</summary>
        public float* Teacher;

        /// <summary>The teacher's likeliest tokens; null where all its logits are known.</summary>
        public LikeliestTokens Likeliest;

        /// <summary>Next tokens.</summary>
        public long* Targets;

        /// <summary>Weight of each row's cross-entropy and of its divergence at temperature T.</summary>
        public float* Weights;

        /// <summary>Weight of each row's divergence at temperature 1; null where all are 0.</summary>
        public float* DivergenceWeights;

        /// <summary>Factors that the weights are multiplied by.</summary>
        public RowFactors Factors;

        /// <summary>T.</summary>
        public float Temperature;

        /// <summary>Receives each row's cross-entropy in nats.</summary>
        public double* TaskNats;

        /// <summary>Receives each row's divergence at temperature T in nats.</summary>
        public double* DistillationNats;

        /// <summary>Receives each row's divergence at temperature 1 in nats.</summary>
        public double* DivergenceNats;

        /// <summary>Factors of one row.</summary>
        public readonly RowFactors FactorsOf(long row) => new(
            Factors.Task * Weights[row], Factors.Distillation * Weights[row], DivergenceWeights == null ? 0f : Factors.Divergence * DivergenceWeights[row]);
    }

    /// <summary>The teacher's likeliest tokens of every row, its others as one bucket.</summary>
    internal struct LikeliestTokens
    {
        /// <summary>Tokens a row; 0 where all of the teacher's logits are known.</summary>
        public int Count;

        /// <summary>Their ids, <see cref="Count"/> a row, each within the vocabulary and once.</summary>
        public int* Ids;

        /// <summary>Their log-probabilities and that of all others together, <see cref="Count"/> + 1 a row.</summary>
        public float* LogProbabilities;

        /// <summary>Room for <see cref="Count"/> + 1 values a row.</summary>
        public float* Scratch;
    }

    private struct Rows<TLoops> : ISlicedWork where TLoops : unmanaged, IRowLoops
    {
        public Arguments Arguments;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            for (long row = first; row < end; row++)
            {
                float* student = Arguments.Student + (row * Arguments.Vocabulary);
                long target = Arguments.Targets[row];
                float targetLogit = student[target];
                RowFactors factors = Arguments.FactorsOf(row);
                RowLosses losses = Arguments.Likeliest.Count > 0 ? BesideLikeliest(student, row, factors)
                    : Arguments.Teacher == null ? new(RowComparison<TLoops>.Alone(student, Arguments.Vocabulary, factors.Task), 0, 0)
                    : RowComparison<TLoops>.Beside(student, Arguments.Teacher + (row * Arguments.Vocabulary), Arguments.Vocabulary, factors, Arguments.Temperature);
                student[target] -= factors.Task;
                Arguments.TaskNats[row] = losses.LogSum - targetLogit;
                Arguments.DistillationNats[row] = losses.Distillation;
                Arguments.DivergenceNats[row] = losses.Divergence;
            }
        }

        // The buckets are a row of their own: its gradient belongs to the likeliest tokens one by one, and to all others in
        // proportion to their probability under the student.
        private readonly RowLosses BesideLikeliest(float* student, long row, RowFactors factors)
        {
            int vocabulary = Arguments.Vocabulary, count = Arguments.Likeliest.Count;
            if (factors is { Distillation: 0f, Divergence: 0f })
                return new(RowComparison<TLoops>.Alone(student, vocabulary, factors.Task), 0, 0);
            int* ids = Arguments.Likeliest.Ids + (row * count);
            float* own = Arguments.Likeliest.Scratch + (row * (count + 1));
            float* other = Arguments.Likeliest.LogProbabilities + (row * (count + 1));
            float largest = TLoops.Largest(student, vocabulary);
            for (int i = 0; i < count; i++)
                own[i] = student[ids[i]] - largest;
            double sum = TLoops.Exponentials<Yes>(student, vocabulary, largest);

            // The sum over the others is taken by itself: a difference of sums would cancel where they are unlikely.
            for (int i = 0; i < count; i++)
                student[ids[i]] = 0f;
            double others = TLoops.Sum(student, vocabulary);
            own[count] = (float)Math.Log(others);
            RowLosses losses = RowComparison<TLoops>.Beside(own, other, count + 1, factors, Arguments.Temperature);
            TLoops.Scale(student, vocabulary, (float)(own[count] / others));
            for (int i = 0; i < count; i++)
                student[ids[i]] = own[i];
            return losses with { LogSum = largest + Math.Log(sum) };
        }
    }
}
