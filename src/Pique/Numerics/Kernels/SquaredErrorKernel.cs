using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>What a scale does to the weights that share it.</summary>
/// <param name="Error">Σ(w − ŵ)².</param>
/// <param name="Product">Σ w·level.</param>
/// <param name="Energy">Σ level².</param>
internal readonly record struct GridFit(double Error, double Product, double Energy)
{
    /// <summary>Sums over both.</summary>
    public static GridFit operator +(GridFit left, GridFit right) =>
        new(left.Error + right.Error, left.Product + right.Product, left.Energy + right.Energy);
}

/// <summary>Measures a scale on consecutive weights.</summary>
internal static unsafe class SquaredErrorKernel
{
    /// <summary>Measures one piece; sums have the sixteen float32 partial sums of <see cref="ILanes{TSelf}"/>.</summary>
    /// <param name="weights">Weights.</param>
    /// <param name="count">Their number, at most <see cref="BlockWalk.PieceWeights"/>.</param>
    /// <param name="grid">The grid to measure.</param>
    /// <param name="form">Form of the kernel.</param>
    public static GridFit Measure(float* weights, int count, in GroupGrid grid, KernelForm form) => form switch
    {
        KernelForm.Simd512 => MeasureLanes<Lanes512>(weights, count, grid),
        KernelForm.Simd256 => MeasureLanes<Lanes256>(weights, count, grid),
        KernelForm.Simd128 => MeasureLanes<Lanes128>(weights, count, grid),
        _ => MeasureScalar(weights, count, grid),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static GridFit MeasureLanes<TLanes>(float* weights, int count, in GroupGrid grid) where TLanes : unmanaged, ILanes<TLanes>
    {
        GroupGrid<TLanes> lanes = new(grid);
        TLanes all = TLanes.Broadcast(1f);
        Sums<TLanes> sums = default;
        int whole = count & ~(LaneLoop.Lanes - 1);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
            sums = Step(lanes, TLanes.Load(weights + i), all, sums);
        if (whole < count)
        {
            // Padding would round to ±s/2 on the half-integer grid: its lanes do not count.
            float* padded = stackalloc float[2 * LaneLoop.Lanes];
            for (int lane = 0; lane < LaneLoop.Lanes; lane++)
            {
                bool counts = lane < count - whole;
                padded[lane] = counts ? weights[whole + lane] : 0f;
                padded[LaneLoop.Lanes + lane] = counts ? 1f : 0f;
            }

            sums = Step(lanes, TLanes.Load(padded), TLanes.Load(padded + LaneLoop.Lanes), sums);
        }

        return new(sums.Errors.Sum(), sums.Products.Sum(), sums.Energies.Sum());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Sums<TLanes> Step<TLanes>(in GroupGrid<TLanes> grid, TLanes weight, TLanes counts, Sums<TLanes> sums) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes level = grid.Level(weight / grid.Scale) * counts;
        TLanes residual = (level * grid.Scale) - weight;
        return new(sums.Errors + (residual * residual), sums.Products + (level * weight), sums.Energies + (level * level));
    }

    private readonly record struct Sums<TLanes>(TLanes Errors, TLanes Products, TLanes Energies) where TLanes : unmanaged, ILanes<TLanes>;

    private static GridFit MeasureScalar(float* weights, int count, in GroupGrid grid)
    {
        ScalarLanes errors = default, products = default, energies = default;
        for (int i = 0; i < count; i++)
        {
            float level = grid.Level(weights[i] / grid.Scale);
            float residual = (level * grid.Scale) - weights[i];
            errors.Add(i, residual * residual);
            products.Add(i, level * weights[i]);
            energies.Add(i, level * level);
        }

        return new GridFit(errors.Sum(), products.Sum(), energies.Sum());
    }
}
