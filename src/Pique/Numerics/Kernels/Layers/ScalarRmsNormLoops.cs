namespace Pique.Numerics.Kernels;

/// <summary>Loops of normalization one value at a time: the reference, with the partial sums of <see cref="LaneRmsNormLoops{TLanes}"/>.</summary>
internal readonly unsafe struct ScalarRmsNormLoops : IRmsNormLoops
{
    public static double SquareSum(float* row, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        double total = 0;
        for (int first = 0; first < whole; first += IRmsNormLoops.PieceValues)
        {
            ScalarLanes sum = default;
            for (int i = first; i < Math.Min(first + IRmsNormLoops.PieceValues, whole); i++)
                sum.Add(i, row[i] * row[i]);
            total += sum.Sum();
        }

        for (int i = whole; i < count; i++)
            total += (double)row[i] * row[i];
        return total;
    }

    public static double AddSquareSum(float* row, float* addend, int count)
    {
        Add(row, addend, count);
        return SquareSum(row, count);
    }

    public static void Scale(float* row, float* gain, float factor, float* output, int count)
    {
        for (int i = 0; i < count; i++)
            output[i] = row[i] * factor * gain[i];
    }

    public static double ProductSum(float* upstream, float* gain, float* row, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        double total = 0;
        for (int first = 0; first < whole; first += IRmsNormLoops.PieceValues)
        {
            ScalarLanes sum = default;
            for (int i = first; i < Math.Min(first + IRmsNormLoops.PieceValues, whole); i++)
                sum.Add(i, upstream[i] * gain[i] * row[i]);
            total += sum.Sum();
        }

        for (int i = whole; i < count; i++)
            total += (double)upstream[i] * gain[i] * row[i];
        return total;
    }

    public static void AddGainGradient(float* upstream, float* row, float factor, float* total, int count)
    {
        for (int i = 0; i < count; i++)
            total[i] += upstream[i] * (row[i] * factor);
    }

    public static void InputGradient(float* upstream, float* gain, float* row, NormFactors factors, float* beside, float* output, int count)
    {
        for (int i = 0; i < count; i++)
        {
            float gradient = (upstream[i] * gain[i] * factors.InverseRms) - (row[i] * factors.Projection);
            output[i] = beside == null ? gradient : beside[i] + gradient;
        }
    }

    public static void Add(float* total, float* values, int count)
    {
        for (int i = 0; i < count; i++)
            total[i] += values[i];
    }
}
