namespace Pique.Numerics.Kernels;

/// <summary>Row loops one value at a time: the reference, with the partial sums of <see cref="LaneRowLoops{TLanes}"/>.</summary>
internal readonly unsafe struct ScalarRowLoops : IRowLoops
{
    public static float Largest(float* row, int count)
    {
        float largest = float.NegativeInfinity;
        for (int i = 0; i < count; i++)
            largest = MathF.Max(largest, row[i]);
        return largest;
    }

    public static double Sum(float* row, int count)
    {
        double total = 0;
        for (int first = 0; first < count; first = PieceEnd(first, count))
        {
            ScalarLanes sum = default;
            for (int i = first; i < PieceEnd(first, count); i++)
                sum.Add(i, row[i]);
            total += sum.Sum();
        }

        return total;
    }

    public static double Exponentials<TKeep>(float* row, int count, float largest) where TKeep : unmanaged, IChoice
    {
        double total = 0;
        for (int first = 0; first < count; first = PieceEnd(first, count))
        {
            ScalarLanes sum = default;
            for (int i = first; i < PieceEnd(first, count); i++)
            {
                float exponential = Exponential.Of(row[i] - largest);
                if (TKeep.IsSet)
                    row[i] = exponential;
                sum.Add(i, exponential);
            }

            total += sum.Sum();
        }

        return total;
    }

    public static PairSums Pair<TKeep>(float* student, float* teacher, int count, PairShift shift) where TKeep : unmanaged, IChoice
    {
        double ownTotal = 0, otherTotal = 0, productTotal = 0;
        for (int first = 0; first < count; first = PieceEnd(first, count))
        {
            ScalarLanes ownSum = default, otherSum = default, productSum = default;
            for (int i = first; i < PieceEnd(first, count); i++)
            {
                float ownBelow = (student[i] - shift.StudentLargest) * shift.Factor, otherBelow = (teacher[i] - shift.TeacherLargest) * shift.Factor;
                float ownPower = Exponential.Of(ownBelow), otherPower = Exponential.Of(otherBelow);
                if (TKeep.IsSet)
                    student[i] = ownPower;
                ownSum.Add(i, ownPower);
                otherSum.Add(i, otherPower);
                productSum.Add(i, otherPower * (otherBelow - ownBelow));
            }

            ownTotal += ownSum.Sum();
            otherTotal += otherSum.Sum();
            productTotal += productSum.Sum();
        }

        return new(ownTotal, otherTotal, productTotal);
    }

    public static void Scale(float* row, int count, float factor)
    {
        for (int i = 0; i < count; i++)
            row[i] *= factor;
    }

    public static void Combine(float* student, float* teacher, int count, float teacherLargest, float studentFactor, float teacherFactor)
    {
        for (int i = 0; i < count; i++)
            student[i] = (student[i] * studentFactor) - (Exponential.Of(teacher[i] - teacherLargest) * teacherFactor);
    }

    public static PowerSums Powers<TPower, TBoth>(float* student, float* teacher, int count, PairShift shift) where TPower : unmanaged, IPower where TBoth : unmanaged, IChoice
    {
        PairSums tempered = default, plain = default;
        for (int first = 0; first < count; first = PieceEnd(first, count))
        {
            ScalarLanes ownSum = default, otherSum = default, productSum = default, plainOwnSum = default, plainOtherSum = default, plainProductSum = default;
            for (int i = first; i < PieceEnd(first, count); i++)
            {
                float ownBelow = (student[i] - shift.StudentLargest) * shift.Factor, otherBelow = (teacher[i] - shift.TeacherLargest) * shift.Factor;
                float ownPower = Exponential.Of(ownBelow), otherPower = Exponential.Of(otherBelow), apart = otherBelow - ownBelow;
                student[i] = ownPower;
                ownSum.Add(i, ownPower);
                otherSum.Add(i, otherPower);
                productSum.Add(i, otherPower * apart);
                plainOwnSum.Add(i, TPower.Raise(ownPower));
                if (!TBoth.IsSet)
                    continue;
                float plainOther = TPower.Raise(otherPower);
                plainOtherSum.Add(i, plainOther);
                plainProductSum.Add(i, plainOther * apart);
            }

            tempered = tempered.Plus(ownSum.Sum(), otherSum.Sum(), productSum.Sum());
            plain = plain.Plus(plainOwnSum.Sum(), plainOtherSum.Sum(), (double)plainProductSum.Sum() * TPower.Exponent);
        }

        return new(tempered, plain);
    }

    public static void PowerGradient<TPower, TBoth>(float* student, float* teacher, int count, PairShift shift, GradientCoefficients coefficients)
        where TPower : unmanaged, IPower where TBoth : unmanaged, IChoice
    {
        for (int i = 0; i < count; i++)
        {
            float own = student[i], other = Exponential.Of((teacher[i] - shift.TeacherLargest) * shift.Factor);
            float gradient = (TPower.Raise(own) * coefficients.Student) + ((own * coefficients.TemperedStudent) - (other * coefficients.TemperedTeacher));
            student[i] = TBoth.IsSet ? gradient - (TPower.Raise(other) * coefficients.Teacher) : gradient;
        }
    }

    public static void TemperedGradient<TBoth>(float* student, float* teacher, int count, PairShift shift, GradientCoefficients coefficients) where TBoth : unmanaged, IChoice
    {
        for (int i = 0; i < count; i++)
        {
            float own = student[i] - shift.StudentLargest, other = teacher[i] - shift.TeacherLargest;
            float gradient = (Exponential.Of(own) * coefficients.Student)
                + ((Exponential.Of(own * shift.Factor) * coefficients.TemperedStudent) - (Exponential.Of(other * shift.Factor) * coefficients.TemperedTeacher));
            student[i] = TBoth.IsSet ? gradient - (Exponential.Of(other) * coefficients.Teacher) : gradient;
        }
    }

    // Pieces of whole sixteens, then what is left over by itself.
    private static int PieceEnd(int first, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        return first < whole ? Math.Min(first + RowPieces.Values, whole) : count;
    }
}
