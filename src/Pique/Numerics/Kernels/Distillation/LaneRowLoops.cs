using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Row loops over sixteen lanes. What is left over at a row's end is padded with the row's largest value and taken out of sums again.</summary>
/// <remarks>No loop is inlined: into a caller that the runtime compiles once more, it would go with less inlined into itself.</remarks>
internal readonly unsafe struct LaneRowLoops<TLanes> : IRowLoops where TLanes : unmanaged, ILanes<TLanes>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static float Largest(float* row, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        TLanes largest = TLanes.Broadcast(float.NegativeInfinity);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            largest = TLanes.AtLeast(TLanes.Load(row + i), largest);
        float result = largest.Largest();
        for (int i = whole; i < count; i++)
            result = MathF.Max(result, row[i]);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static double Sum(float* row, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        double total = 0;
        for (int first = 0; first < whole; first += RowPieces.Values)
        {
            TLanes sum = default;
            int end = Math.Min(first + RowPieces.Values, whole);
            for (int i = first; i < end; i += LaneLoop.Lanes)
                sum += TLanes.Load(row + i);
            total += sum.Sum();
        }

        return whole == count ? total : total + SumTail(row + whole, count - whole);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static double Exponentials<TKeep>(float* row, int count, float largest) where TKeep : unmanaged, IChoice
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        TLanes shift = TLanes.Broadcast(largest);
        double total = 0;
        for (int first = 0; first < whole; first += RowPieces.Values)
        {
            TLanes sum = default;
            int end = Math.Min(first + RowPieces.Values, whole);
            for (int i = first; i < end; i += LaneLoop.Lanes)
            {
                TLanes exponential = Exponential.Of(TLanes.Load(row + i) - shift);
                if (TKeep.IsSet)
                    exponential.Store(row + i);
                sum += exponential;
            }

            total += sum.Sum();
        }

        return whole == count ? total : total + ExponentialsTail<TKeep>(row + whole, count - whole, largest);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static PairSums Pair<TKeep>(float* student, float* teacher, int count, PairShift shift) where TKeep : unmanaged, IChoice
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        TLanes own = TLanes.Broadcast(shift.StudentLargest), other = TLanes.Broadcast(shift.TeacherLargest), factor = TLanes.Broadcast(shift.Factor);
        double ownTotal = 0, otherTotal = 0, productTotal = 0;
        for (int first = 0; first < whole; first += RowPieces.Values)
        {
            TLanes ownSum = default, otherSum = default, productSum = default;
            int end = Math.Min(first + RowPieces.Values, whole);
            for (int i = first; i < end; i += LaneLoop.Lanes)
            {
                TLanes ownBelow = (TLanes.Load(student + i) - own) * factor, otherBelow = (TLanes.Load(teacher + i) - other) * factor;
                TLanes ownPower = Exponential.Of(ownBelow), otherPower = Exponential.Of(otherBelow);
                if (TKeep.IsSet)
                    ownPower.Store(student + i);
                ownSum += ownPower;
                otherSum += otherPower;
                productSum += otherPower * (otherBelow - ownBelow);
            }

            ownTotal += ownSum.Sum();
            otherTotal += otherSum.Sum();
            productTotal += productSum.Sum();
        }

        PairSums sums = new(ownTotal, otherTotal, productTotal);
        return whole == count ? sums : PairTail<TKeep>(student + whole, teacher + whole, count - whole, shift, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Scale(float* row, int count, float factor)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        TLanes factors = TLanes.Broadcast(factor);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            (TLanes.Load(row + i) * factors).Store(row + i);
        for (int i = whole; i < count; i++)
            row[i] *= factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Combine(float* student, float* teacher, int count, float teacherLargest, float studentFactor, float teacherFactor)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        TLanes largest = TLanes.Broadcast(teacherLargest), ownFactor = TLanes.Broadcast(studentFactor), otherFactor = TLanes.Broadcast(teacherFactor);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            ((TLanes.Load(student + i) * ownFactor) - (Exponential.Of(TLanes.Load(teacher + i) - largest) * otherFactor)).Store(student + i);
        for (int i = whole; i < count; i++)
            student[i] = (student[i] * studentFactor) - (Exponential.Of(teacher[i] - teacherLargest) * teacherFactor);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static PowerSums Powers<TPower, TBoth>(float* student, float* teacher, int count, PairShift shift) where TPower : unmanaged, IPower where TBoth : unmanaged, IChoice
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        PairSums tempered = default, plain = default;
        for (int first = 0; first < whole; first += RowPieces.Values)
            AddPowers<TPower, TBoth>(student + first, teacher + first, Math.Min(RowPieces.Values, whole - first), shift, LaneLoop.Lanes, ref tempered, ref plain);
        if (whole == count)
            return new(tempered, plain);
        float* padded = stackalloc float[2 * LaneLoop.Lanes];
        Pad(padded, student + whole, count - whole, shift.StudentLargest);
        Pad(padded + LaneLoop.Lanes, teacher + whole, count - whole, shift.TeacherLargest);
        AddPowers<TPower, TBoth>(padded, padded + LaneLoop.Lanes, LaneLoop.Lanes, shift, count - whole, ref tempered, ref plain);
        Unsafe.CopyBlockUnaligned(student + whole, padded, (uint)(count - whole) * sizeof(float));
        return new(tempered, plain);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void PowerGradient<TPower, TBoth>(float* student, float* teacher, int count, PairShift shift, GradientCoefficients coefficients)
        where TPower : unmanaged, IPower where TBoth : unmanaged, IChoice
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            PowerStep<TPower, TBoth>(student + i, teacher + i, shift, coefficients);
        if (whole == count)
            return;
        float* padded = stackalloc float[2 * LaneLoop.Lanes];
        Pad(padded, student + whole, count - whole, 1f);
        Pad(padded + LaneLoop.Lanes, teacher + whole, count - whole, shift.TeacherLargest);
        PowerStep<TPower, TBoth>(padded, padded + LaneLoop.Lanes, shift, coefficients);
        Unsafe.CopyBlockUnaligned(student + whole, padded, (uint)(count - whole) * sizeof(float));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void TemperedGradient<TBoth>(float* student, float* teacher, int count, PairShift shift, GradientCoefficients coefficients) where TBoth : unmanaged, IChoice
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            TemperedStep<TBoth>(student + i, teacher + i, shift, coefficients);
        if (whole == count)
            return;
        float* padded = stackalloc float[2 * LaneLoop.Lanes];
        Pad(padded, student + whole, count - whole, shift.StudentLargest);
        Pad(padded + LaneLoop.Lanes, teacher + whole, count - whole, shift.TeacherLargest);
        TemperedStep<TBoth>(padded, padded + LaneLoop.Lanes, shift, coefficients);
        Unsafe.CopyBlockUnaligned(student + whole, padded, (uint)(count - whole) * sizeof(float));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TemperedStep<TBoth>(float* student, float* teacher, in PairShift shift, in GradientCoefficients coefficients) where TBoth : unmanaged, IChoice
    {
        TLanes factor = TLanes.Broadcast(shift.Factor);
        TLanes own = TLanes.Load(student) - TLanes.Broadcast(shift.StudentLargest), other = TLanes.Load(teacher) - TLanes.Broadcast(shift.TeacherLargest);
        TLanes gradient = (Exponential.Of(own) * TLanes.Broadcast(coefficients.Student))
            + ((Exponential.Of(own * factor) * TLanes.Broadcast(coefficients.TemperedStudent)) - (Exponential.Of(other * factor) * TLanes.Broadcast(coefficients.TemperedTeacher)));
        if (TBoth.IsSet)
            gradient -= Exponential.Of(other) * TLanes.Broadcast(coefficients.Teacher);
        gradient.Store(student);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PowerStep<TPower, TBoth>(float* student, float* teacher, in PairShift shift, in GradientCoefficients coefficients)
        where TPower : unmanaged, IPower where TBoth : unmanaged, IChoice
    {
        TLanes own = TLanes.Load(student), other = Exponential.Of((TLanes.Load(teacher) - TLanes.Broadcast(shift.TeacherLargest)) * TLanes.Broadcast(shift.Factor));
        TLanes gradient = (TPower.Raise(own) * TLanes.Broadcast(coefficients.Student))
            + ((own * TLanes.Broadcast(coefficients.TemperedStudent)) - (other * TLanes.Broadcast(coefficients.TemperedTeacher)));
        if (TBoth.IsSet)
            gradient -= TPower.Raise(other) * TLanes.Broadcast(coefficients.Teacher);
        gradient.Store(student);
    }

    /// <summary>Adds the sums of a piece, of whose values, where it is padded, only so many count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void AddPowers<TPower, TBoth>(float* student, float* teacher, int count, in PairShift shift, int counted, ref PairSums tempered, ref PairSums plain)
        where TPower : unmanaged, IPower where TBoth : unmanaged, IChoice
    {
        TLanes own = TLanes.Broadcast(shift.StudentLargest), other = TLanes.Broadcast(shift.TeacherLargest), factor = TLanes.Broadcast(shift.Factor);
        TLanes ownSum = default, otherSum = default, productSum = default, plainOwnSum = default, plainOtherSum = default, plainProductSum = default;
        for (int i = 0; i < count; i += LaneLoop.Lanes)
        {
            TLanes ownBelow = (TLanes.Load(student + i) - own) * factor, otherBelow = (TLanes.Load(teacher + i) - other) * factor, apart = otherBelow - ownBelow;
            TLanes ownPower = Exponential.Of(ownBelow), otherPower = Exponential.Of(otherBelow);
            ownPower.Store(student + i);
            ownSum += ownPower;
            otherSum += otherPower;
            productSum += otherPower * apart;
            plainOwnSum += TPower.Raise(ownPower);
            if (TBoth.IsSet)
            {
                TLanes plainOther = TPower.Raise(otherPower);
                plainOtherSum += plainOther;
                plainProductSum += plainOther * apart;
            }
        }

        tempered = tempered.Plus(SumOf(ownSum, counted), SumOf(otherSum, counted), SumOf(productSum, counted));
        plain = TBoth.IsSet
            ? plain.Plus(SumOf(plainOwnSum, counted), SumOf(plainOtherSum, counted), SumOf(plainProductSum, counted) * TPower.Exponent)
            : plain.Plus(SumOf(plainOwnSum, counted), 0, 0);
    }

    /// <summary>Sum of the first lanes.</summary>
    private static double SumOf(TLanes lanes, int count)
    {
        if (count == LaneLoop.Lanes)
            return lanes.Sum();
        float* values = stackalloc float[LaneLoop.Lanes];
        lanes.Store(values);
        return SumTail(values, count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double SumTail(float* row, int count)
    {
        float* padded = stackalloc float[LaneLoop.Lanes];
        Pad(padded, row, count, 0f);
        return TLanes.Load(padded).Sum();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double ExponentialsTail<TKeep>(float* row, int count, float largest) where TKeep : unmanaged, IChoice
    {
        float* padded = stackalloc float[LaneLoop.Lanes];
        Pad(padded, row, count, largest);
        Exponential.Of(TLanes.Load(padded) - TLanes.Broadcast(largest)).Store(padded);
        if (TKeep.IsSet)
            Unsafe.CopyBlockUnaligned(row, padded, (uint)count * sizeof(float));
        return SumTail(padded, count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static PairSums PairTail<TKeep>(float* student, float* teacher, int count, PairShift shift, PairSums sums) where TKeep : unmanaged, IChoice
    {
        float* own = stackalloc float[3 * LaneLoop.Lanes];
        float* other = own + LaneLoop.Lanes;
        float* product = other + LaneLoop.Lanes;
        Pad(own, student, count, shift.StudentLargest);
        Pad(other, teacher, count, shift.TeacherLargest);
        TLanes factor = TLanes.Broadcast(shift.Factor);
        TLanes ownBelow = (TLanes.Load(own) - TLanes.Broadcast(shift.StudentLargest)) * factor;
        TLanes otherBelow = (TLanes.Load(other) - TLanes.Broadcast(shift.TeacherLargest)) * factor;
        TLanes otherPower = Exponential.Of(otherBelow);
        Exponential.Of(ownBelow).Store(own);
        otherPower.Store(other);
        (otherPower * (otherBelow - ownBelow)).Store(product);
        if (TKeep.IsSet)
            Unsafe.CopyBlockUnaligned(student, own, (uint)count * sizeof(float));
        return new(sums.Student + SumTail(own, count), sums.Teacher + SumTail(other, count), sums.Product + SumTail(product, count));
    }

    private static void Pad(float* padded, float* values, int count, float padding)
    {
        for (int lane = 0; lane < LaneLoop.Lanes; lane++)
            padded[lane] = lane < count ? values[lane] : padding;
    }
}
