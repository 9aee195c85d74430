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

    private static GridFit MeasureLanes<TLanes>(float* weights, int count, in GroupGrid grid) where TLanes : unmanaged, ILanes<TLanes>
    {
        Step<TLanes> step = new(grid, TLanes.Broadcast(1f));
        int whole = count / LaneLoop.Lanes * LaneLoop.Lanes;
        LaneLoop.Run(ref step, weights, null, null, 0, whole);
        if (whole < count)
        {
            // Padding would round to ±s/2 on the half-integer grid: its lanes do not count.
            float* mask = stackalloc float[LaneLoop.Lanes];
            for (int lane = 0; lane < LaneLoop.Lanes; lane++)
                mask[lane] = lane < count - whole ? 1f : 0f;
            step.Counts = TLanes.Load(mask);
            LaneLoop.Run(ref step, weights + whole, null, null, 0, count - whole);
        }

        return step.Fit;
    }

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

    private struct Step<TLanes> : ILaneStep where TLanes : unmanaged, ILanes<TLanes>
    {
        private readonly GroupGrid _grid;
        private TLanes _errors;
        private TLanes _products;
        private TLanes _energies;

        public TLanes Counts;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Step(in GroupGrid grid, TLanes counts) => (_grid, Counts) = (grid, counts);

        public readonly GridFit Fit => new(_errors.Sum(), _products.Sum(), _energies.Sum());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void ILaneStep.Step(float* first, float* second, byte* output)
        {
            TLanes weight = TLanes.Load(first);
            TLanes scale = TLanes.Broadcast(_grid.Scale);
            TLanes level = _grid.Levels(weight / scale) * Counts;
            TLanes residual = (level * scale) - weight;
            _errors += residual * residual;
            _products += level * weight;
            _energies += level * level;
        }
    }
}
