namespace Pique.Numerics.Kernels;

/// <summary>Factors of the gradients of one row's terms.</summary>
/// <param name="Task">Of the cross-entropy.</param>
/// <param name="Distillation">Of the divergence at temperature T; the gradient's own 1/T is in it.</param>
/// <param name="Divergence">Of the divergence at temperature 1.</param>
internal readonly record struct RowFactors(float Task, float Distillation, float Divergence);

/// <summary>What one row gives.</summary>
/// <param name="LogSum">log Σ e^logit of the student.</param>
/// <param name="Distillation">KL(p_t ‖ p_s) at temperature T in nats; 0 where its factor is 0.</param>
/// <param name="Divergence">The same at temperature 1.</param>
internal readonly record struct RowLosses(double LogSum, double Distillation, double Divergence);

/// <summary>Losses of one row of logits, and their gradient in its place; docs/math.md §4.</summary>
/// <remarks>
/// With p = softmax(logits) and p^T = softmax(logits / T) the gradient written is
/// task·p_s + distillation·(p_s^T − p_t^T) + divergence·(p_s − p_t); the caller subtracts the task's factor at the target.
/// At one temperature, and at one that is a small integer (<see cref="IPower"/>), the student's exponentials stay in its row between the
/// two passes. The others are computed again: a pass that writes the teacher's row as well takes longer than the exponentials do.
/// </remarks>
internal static unsafe class RowComparison<TLoops> where TLoops : unmanaged, IRowLoops
{
    /// <summary>A student alone.</summary>
    /// <param name="student">Its logits; overwritten by the gradient of the cross-entropy but for the target.</param>
    /// <param name="count">Number of logits.</param>
    /// <param name="factor">Factor of the gradient.</param>
    /// <returns>log Σ e^logit.</returns>
    public static double Alone(float* student, int count, float factor)
    {
        float largest = TLoops.Largest(student, count);
        double sum = TLoops.Exponentials<Yes>(student, count, largest);
        TLoops.Scale(student, count, (float)(factor / sum));
        return largest + Math.Log(sum);
    }

    /// <summary>A student beside its teacher.</summary>
    /// <param name="student">Its logits; overwritten by the gradient.</param>
    /// <param name="teacher">The teacher's logits.</param>
    /// <param name="count">Number of logits.</param>
    /// <param name="factors">Factors of the gradients.</param>
    /// <param name="temperature">T.</param>
    public static RowLosses Beside(float* student, float* teacher, int count, RowFactors factors, float temperature)
    {
        if (factors is { Distillation: 0f, Divergence: 0f })
            return new(Alone(student, count, factors.Task), 0, 0);
        PairShift shift = new(TLoops.Largest(student, count), TLoops.Largest(teacher, count), 1f / temperature);
        return temperature == 1f || factors.Distillation == 0f
            ? AtOne(student, teacher, count, shift with { Factor = 1f }, factors)
            : temperature switch
            {
                2f => AtTwo<Square>(student, teacher, count, shift, factors),
                3f => AtTwo<Cube>(student, teacher, count, shift, factors),
                4f => AtTwo<FourthPower>(student, teacher, count, shift, factors),
                _ => AtTwo(student, teacher, count, shift, factors),
            };
    }

    private static RowLosses AtOne(float* student, float* teacher, int count, PairShift shift, RowFactors factors)
    {
        PairSums sums = TLoops.Pair<Yes>(student, teacher, count, shift);
        double apart = (double)factors.Distillation + factors.Divergence;
        TLoops.Combine(student, teacher, count, shift.TeacherLargest, (float)((factors.Task + apart) / sums.Student), (float)(apart / sums.Teacher));
        double divergence = sums.Divergence;
        return new(
            shift.StudentLargest + Math.Log(sums.Student),
            factors.Distillation == 0f ? 0 : divergence,
            factors.Divergence == 0f ? 0 : divergence);
    }

    private static RowLosses AtTwo<TPower>(float* student, float* teacher, int count, PairShift shift, RowFactors factors) where TPower : unmanaged, IPower
    {
        bool both = factors.Divergence != 0f;
        (PairSums tempered, PairSums plain) = both ? TLoops.Powers<TPower, Yes>(student, teacher, count, shift) : TLoops.Powers<TPower, No>(student, teacher, count, shift);
        GradientCoefficients coefficients = new(
            (float)(((double)factors.Task + factors.Divergence) / plain.Student),
            (float)(factors.Distillation / tempered.Student),
            (float)(factors.Distillation / tempered.Teacher),
            both ? (float)(factors.Divergence / plain.Teacher) : 0f);
        if (both)
            TLoops.PowerGradient<TPower, Yes>(student, teacher, count, shift, coefficients);
        else
            TLoops.PowerGradient<TPower, No>(student, teacher, count, shift, coefficients);
        return new(shift.StudentLargest + Math.Log(plain.Student), tempered.Divergence, both ? plain.Divergence : 0);
    }

    private static RowLosses AtTwo(float* student, float* teacher, int count, PairShift shift, RowFactors factors)
    {
        PairSums tempered = TLoops.Pair<No>(student, teacher, count, shift);
        GradientCoefficients coefficients = new(
            0f, (float)(factors.Distillation / tempered.Student), (float)(factors.Distillation / tempered.Teacher), 0f);
        if (factors.Divergence == 0f)
        {
            double sum = TLoops.Exponentials<No>(student, count, shift.StudentLargest);
            TLoops.TemperedGradient<No>(student, teacher, count, shift, coefficients with { Student = (float)(factors.Task / sum) });
            return new(shift.StudentLargest + Math.Log(sum), tempered.Divergence, 0);
        }

        PairSums sums = TLoops.Pair<No>(student, teacher, count, shift with { Factor = 1f });
        coefficients = coefficients with
        {
            Student = (float)(((double)factors.Task + factors.Divergence) / sums.Student),
            Teacher = (float)(factors.Divergence / sums.Teacher),
        };
        TLoops.TemperedGradient<Yes>(student, teacher, count, shift, coefficients);
        return new(shift.StudentLargest + Math.Log(sums.Student), tempered.Divergence, sums.Divergence);
    }
}
