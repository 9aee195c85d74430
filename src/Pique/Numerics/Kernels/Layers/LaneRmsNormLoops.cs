using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Loops of normalization over sixteen lanes; the scalar reference does what is left over at a row's end.</summary>
internal readonly unsafe struct LaneRmsNormLoops<TLanes> : IRmsNormLoops where TLanes : unmanaged, ILanes<TLanes>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static double SquareSum(float* row, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        double total = 0;
        for (int first = 0; first < whole; first += IRmsNormLoops.PieceValues)
        {
            TLanes sum = default;
            int end = Math.Min(first + IRmsNormLoops.PieceValues, whole);
            for (int i = first; i < end; i += LaneLoop.Lanes)
            {
                TLanes values = TLanes.Load(row + i);
                sum += values * values;
            }

            total += sum.Sum();
        }

        for (int i = whole; i < count; i++)
            total += (double)row[i] * row[i];
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static double AddSquareSum(float* row, float* addend, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        double total = 0;
        for (int first = 0; first < whole; first += IRmsNormLoops.PieceValues)
        {
            TLanes sum = default;
            int end = Math.Min(first + IRmsNormLoops.PieceValues, whole);
            for (int i = first; i < end; i += LaneLoop.Lanes)
            {
                TLanes values = TLanes.Load(row + i) + TLanes.Load(addend + i);
                values.Store(row + i);
                sum += values * values;
            }

            total += sum.Sum();
        }

        for (int i = whole; i < count; i++)
        {
            row[i] += addend[i];
            total += (double)row[i] * row[i];
        }

        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Scale(float* row, float* gain, float factor, float* output, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        TLanes factors = TLanes.Broadcast(factor);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            (TLanes.Load(row + i) * factors * TLanes.Load(gain + i)).Store(output + i);
        ScalarRmsNormLoops.Scale(row + whole, gain + whole, factor, output + whole, count - whole);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static double ProductSum(float* upstream, float* gain, float* row, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        double total = 0;
        for (int first = 0; first < whole; first += IRmsNormLoops.PieceValues)
        {
            TLanes sum = default;
            int end = Math.Min(first + IRmsNormLoops.PieceValues, whole);
            for (int i = first; i < end; i += LaneLoop.Lanes)
                sum += TLanes.Load(upstream + i) * TLanes.Load(gain + i) * TLanes.Load(row + i);
            total += sum.Sum();
        }

        for (int i = whole; i < count; i++)
            total += (double)upstream[i] * gain[i] * row[i];
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void AddGainGradient(float* upstream, float* row, float factor, float* total, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        TLanes factors = TLanes.Broadcast(factor);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            (TLanes.Load(total + i) + (TLanes.Load(upstream + i) * (TLanes.Load(row + i) * factors))).Store(total + i);
        ScalarRmsNormLoops.AddGainGradient(upstream + whole, row + whole, factor, total + whole, count - whole);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void InputGradient(float* upstream, float* gain, float* row, NormFactors factors, float* beside, float* output, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        TLanes inverse = TLanes.Broadcast(factors.InverseRms), projection = TLanes.Broadcast(factors.Projection);
        if (beside == null)
        {
            for (int i = 0; i < whole; i += LaneLoop.Lanes)
                Step(upstream + i, gain + i, row + i, inverse, projection).Store(output + i);
        }
        else
        {
            for (int i = 0; i < whole; i += LaneLoop.Lanes)
                (TLanes.Load(beside + i) + Step(upstream + i, gain + i, row + i, inverse, projection)).Store(output + i);
        }

        ScalarRmsNormLoops.InputGradient(upstream + whole, gain + whole, row + whole, factors, beside == null ? null : beside + whole, output + whole, count - whole);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Add(float* total, float* values, int count)
    {
        int whole = count & ~(LaneLoop.Lanes - 1);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            (TLanes.Load(total + i) + TLanes.Load(values + i)).Store(total + i);
        ScalarRmsNormLoops.Add(total + whole, values + whole, count - whole);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Step(float* upstream, float* gain, float* row, TLanes inverse, TLanes projection) =>
        (TLanes.Load(upstream) * TLanes.Load(gain) * inverse) - (TLanes.Load(row) * projection);
}
