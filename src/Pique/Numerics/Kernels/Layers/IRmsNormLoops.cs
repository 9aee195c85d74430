namespace Pique.Numerics.Kernels;

/// <summary>The loops over one row that root-mean-square normalization and its gradients are made of.</summary>
/// <remarks>
/// A sum is taken over pieces of <see cref="PieceValues"/> values, sixteen float32 partial sums in each, whose totals are added in float64; what is
/// left over at a row's end is added in float64 value by value. Its relative error stays below 37 roundings, 2.2e-6, however long the row.
/// </remarks>
internal unsafe interface IRmsNormLoops
{
    /// <summary>Values summed in float32: 32 a lane.</summary>
    const int PieceValues = 512;

    /// <summary>Σ row².</summary>
    static abstract double SquareSum(float* row, int count);

    /// <summary>row ← row + addend; Σ row² of the result.</summary>
    static abstract double AddSquareSum(float* row, float* addend, int count);

    /// <summary>output ← (row·factor)·gain.</summary>
    static abstract void Scale(float* row, float* gain, float factor, float* output, int count);

    /// <summary>Σ (upstream·gain)·row.</summary>
    static abstract double ProductSum(float* upstream, float* gain, float* row, int count);

    /// <summary>total ← total + upstream·(row·factor).</summary>
    static abstract void AddGainGradient(float* upstream, float* row, float factor, float* total, int count);

    /// <summary>output ← (upstream·gain)·factor − row·projection, and + beside where that is not null.</summary>
    static abstract void InputGradient(float* upstream, float* gain, float* row, NormFactors factors, float* beside, float* output, int count);

    /// <summary>total ← total + values.</summary>
    static abstract void Add(float* total, float* values, int count);
}

/// <summary>Factors of a row's gradient.</summary>
/// <param name="InverseRms">1/√(mean(x²) + ε).</param>
/// <param name="Projection">What the row itself is taken off with.</param>
internal readonly record struct NormFactors(float InverseRms, float Projection);
