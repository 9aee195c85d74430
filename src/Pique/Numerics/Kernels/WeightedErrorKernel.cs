using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Measures a scale on consecutive weights whose squared errors count by factors of their own: Σ c·(w − ŵ)², Σ c·w·level, Σ c·level².</summary>
/// <remarks>The sums of <see cref="SquaredErrorKernel"/>, kept apart from it so that the plain ones cost no more than they did.</remarks>
internal static unsafe class WeightedErrorKernel
{
    /// <summary>Measures one piece; sums have the sixteen float32 partial sums of <see cref="ILanes{TSelf}"/>.</summary>
    /// <param name="weights">Weights.</param>
    /// <param name="importance">c, a factor of zero or more for each weight.</param>
    /// <param name="count">Their number, at most <see cref="BlockWalk.PieceWeights"/>.</param>
    /// <param name="grid">The grid to measure.</param>
    /// <param name="form">Form of the kernel.</param>
    public static GridFit Measure(float* weights, float* importance, int count, in GroupGrid grid, KernelForm form) => form switch
    {
        KernelForm.Simd512 => MeasureLanes<Lanes512>(weights, importance, count, grid),
        KernelForm.Simd256 => MeasureLanes<Lanes256>(weights, importance, count, grid),
        KernelForm.Simd128 => MeasureLanes<Lanes128>(weights, importance, count, grid),
        _ => MeasureScalar(weights, importance, count, grid),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static GridFit MeasureLanes<TLanes>(float* weights, float* importance, int count, in GroupGrid grid) where TLanes : unmanaged, ILanes<TLanes>
    {
        GroupGrid<TLanes> lanes = new(grid);
        Sums<TLanes> sums = default;
        int whole = count & ~(LaneLoop.Lanes - 1);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            sums = Step(lanes, TLanes.Load(weights + i), TLanes.Load(importance + i), sums);
        if (whole < count)
        {
            // Padding weighs nothing.
            float* padded = stackalloc float[2 * LaneLoop.Lanes];
            for (int lane = 0; lane < LaneLoop.Lanes; lane++)
            {
                bool counts = lane < count - whole;
                padded[lane] = counts ? weights[whole + lane] : 0f;
                padded[LaneLoop.Lanes + lane] = counts ? importance[whole + lane] : 0f;
            }

            sums = Step(lanes, TLanes.Load(padded), TLanes.Load(padded + LaneLoop.Lanes), sums);
        }

        return new(sums.Errors.Sum(), sums.Products.Sum(), sums.Energies.Sum());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Sums<TLanes> Step<TLanes>(in GroupGrid<TLanes> grid, TLanes weight, TLanes factor, Sums<TLanes> sums) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes level = grid.Level(weight / grid.Scale);
        TLanes residual = (level * grid.Scale) - weight;
        return new(sums.Errors + (factor * (residual * residual)), sums.Products + (factor * (level * weight)), sums.Energies + (factor * (level * level)));
    }

    private readonly record struct Sums<TLanes>(TLanes Errors, TLanes Products, TLanes Energies) where TLanes : unmanaged, ILanes<TLanes>;

    private static GridFit MeasureScalar(float* weights, float* importance, int count, in GroupGrid grid)
    {
        ScalarLanes errors = default, products = default, energies = default;
        for (int i = 0; i < count; i++)
        {
            float level = grid.Level(weights[i] / grid.Scale);
            float residual = (level * grid.Scale) - weights[i];
            errors.Add(i, importance[i] * (residual * residual));
            products.Add(i, importance[i] * (level * weights[i]));
            energies.Add(i, importance[i] * (level * level));
        }

        return new GridFit(errors.Sum(), products.Sum(), energies.Sum());
    }
}
