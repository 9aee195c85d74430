namespace Pique.Numerics.Kernels;

/// <summary>Sums over a row of student logits and one of teacher logits, e_s and e_t the exponentials of what they lie below their largest.</summary>
/// <param name="Student">Σ e_s.</param>
/// <param name="Teacher">Σ e_t.</param>
/// <param name="Product">Σ e_t·(log e_t − log e_s).</param>
internal readonly record struct PairSums(double Student, double Teacher, double Product)
{
    /// <summary>KL(p_t ‖ p_s) in nats.</summary>
    /// <remarks>Differences of logits come first and are then weighted, so nothing cancels where the two agree.</remarks>
    public double Divergence => (Product / Teacher) + Math.Log(Student / Teacher);

    /// <summary>With a piece of the rows more.</summary>
    public PairSums Plus(double student, double teacher, double product) => new(Student + student, Teacher + teacher, Product + product);
}

/// <summary>Sums of a pair of rows at T and at 1.</summary>
/// <param name="Tempered">At T.</param>
/// <param name="Plain">At 1; of the student alone where no more is asked for.</param>
internal readonly record struct PowerSums(PairSums Tempered, PairSums Plain);

/// <summary>What lies below its row's largest logit by x counts as e^(x·<paramref name="Factor"/>).</summary>
/// <param name="StudentLargest">Largest logit of the student.</param>
/// <param name="TeacherLargest">Largest logit of the teacher.</param>
/// <param name="Factor">1/T.</param>
internal readonly record struct PairShift(float StudentLargest, float TeacherLargest, float Factor);

/// <summary>Coefficients of a row's gradient: of the softmax at T = 1, at T, and of the teacher's two.</summary>
/// <param name="Student">Of e_s at T = 1.</param>
/// <param name="TemperedStudent">Of e_s at T.</param>
/// <param name="TemperedTeacher">Of e_t at T.</param>
/// <param name="Teacher">Of e_t at T = 1.</param>
internal readonly record struct GradientCoefficients(float Student, float TemperedStudent, float TemperedTeacher, float Teacher);

/// <summary>The loops over one row of logits that the losses are made of.</summary>
/// <remarks>
/// A sum is taken over pieces of <see cref="RowPieces.Values"/> values, sixteen float32 partial sums in each, whose totals are added in
/// float64: its relative error stays below twelve roundings, 7e-7, however long the row.
/// </remarks>
internal unsafe interface IRowLoops
{
    /// <summary>Largest value.</summary>
    static abstract float Largest(float* row, int count);

    /// <summary>Σ row.</summary>
    static abstract double Sum(float* row, int count);

    /// <summary>Σ e^(row − largest); overwrites the row with the exponentials where asked to.</summary>
    static abstract double Exponentials<TKeep>(float* row, int count, float largest) where TKeep : unmanaged, IChoice;

    /// <summary>Sums of a pair of rows; overwrites the student's with its exponentials where asked to.</summary>
    static abstract PairSums Pair<TKeep>(float* student, float* teacher, int count, PairShift shift) where TKeep : unmanaged, IChoice;

    /// <summary>row ← factor·row.</summary>
    static abstract void Scale(float* row, int count, float factor);

    /// <summary>student ← studentFactor·student − teacherFactor·e^(teacher − teacherLargest).</summary>
    static abstract void Combine(float* student, float* teacher, int count, float teacherLargest, float studentFactor, float teacherFactor);

    /// <summary>Sums of a pair of rows at T and at 1, of both or at 1 of the student alone; overwrites the student's with its exponentials at T.</summary>
    static abstract PowerSums Powers<TPower, TBoth>(float* student, float* teacher, int count, PairShift shift) where TPower : unmanaged, IPower where TBoth : unmanaged, IChoice;

    /// <summary>Overwrites the student's exponentials at T with a gradient of terms at T and at 1.</summary>
    static abstract void PowerGradient<TPower, TBoth>(float* student, float* teacher, int count, PairShift shift, GradientCoefficients coefficients)
        where TPower : unmanaged, IPower where TBoth : unmanaged, IChoice;

    /// <summary>Overwrites student logits with a gradient of terms at two temperatures.</summary>
    static abstract void TemperedGradient<TBoth>(float* student, float* teacher, int count, PairShift shift, GradientCoefficients coefficients) where TBoth : unmanaged, IChoice;
}

/// <summary>A choice that the compiler makes, so that a loop does not ask.</summary>
internal interface IChoice
{
    /// <summary>The choice.</summary>
    static abstract bool IsSet { get; }
}

/// <summary>Chosen.</summary>
internal readonly struct Yes : IChoice
{
    public static bool IsSet => true;
}

/// <summary>Not chosen.</summary>
internal readonly struct No : IChoice
{
    public static bool IsSet => false;
}

/// <summary>How rows are cut for summing.</summary>
internal static class RowPieces
{
    /// <summary>Values summed in float32.</summary>
    public const int Values = 128;
}
