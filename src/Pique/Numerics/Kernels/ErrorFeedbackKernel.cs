using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Rounds consecutive columns of a weight one after another, and lets the columns still to come make up for each error.</summary>
/// <remarks>
/// GPTQ, Frantar et al. 2022, arXiv:2210.17323, algorithm 1, the inner loop: with U the upper Cholesky factor of the inverse Hessian,
/// e = (w_j − ŵ_j)/U_jj and w_k ← w_k − e·U_jk for the columns k behind j. The weight is left as it was when it was rounded, so that
/// rounding it to the nearest level again gives the same code. Rows do not touch one another, so threads change nothing.
/// </remarks>
internal static unsafe class ErrorFeedbackKernel
{
    /// <summary>Memory of a call.</summary>
    public struct Arguments
    {
        /// <summary>Weights, [rows, columns]; the columns of the call are rounded for good.</summary>
        public float* Weights;

        /// <summary>Receives e, [rows, width].</summary>
        public float* Errors;

        /// <summary>The diagonal block of U, [width, width], row by row.</summary>
        public float* Factor;

        /// <summary>Place of every column in the layout, which an order of rounding permutes.</summary>
        public int* Places;

        /// <summary>Scales and zero points of the whole weight.</summary>
        public GridPointers Grid;

        /// <summary>Rows of the weight.</summary>
        public long Rows;

        /// <summary>Columns of the weight.</summary>
        public long Columns;

        /// <summary>First column of the call.</summary>
        public long First;

        /// <summary>Columns of the call.</summary>
        public int Width;

        /// <summary>Scales in a row of the weight; 0 where one scale serves all rows.</summary>
        public long ScalesPerRow;

        /// <summary>Columns that share a scale.</summary>
        public long BlockSize;
    }

    /// <summary>Rounds the columns of every row.</summary>
    /// <param name="arguments">Memory and shapes.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(Arguments arguments, KernelForm form)
    {
        Rows work = new() { Arguments = arguments, Form = form };
        // A row's work is quadratic in the width: its weight count alone would leave the other threads asleep.
        KernelThreads.Run(ref work, arguments.Rows, arguments.Rows * arguments.Width * arguments.Width);
    }

    private struct Rows : ISlicedWork
    {
        public Arguments Arguments;
        public KernelForm Form;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            for (long row = first; row < end; row++)
            {
                switch (Form)
                {
                    case KernelForm.Simd512:
                        RunRow<Lanes512>(Arguments, row);
                        break;
                    case KernelForm.Simd256:
                        RunRow<Lanes256>(Arguments, row);
                        break;
                    case KernelForm.Simd128:
                        RunRow<Lanes128>(Arguments, row);
                        break;
                    default:
                        RunRowScalar(Arguments, row);
                        break;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunRow<TLanes>(in Arguments arguments, long row) where TLanes : unmanaged, ILanes<TLanes>
    {
        float* weights = arguments.Weights + (row * arguments.Columns) + arguments.First;
        for (int column = 0; column < arguments.Width; column++)
        {
            float* factor = arguments.Factor + ((long)column * arguments.Width);
            float error = RoundOne(arguments, row, column, factor[column]);
            TLanes errors = TLanes.Broadcast(error);
            int next = column + 1;
            for (; next + LaneLoop.Lanes <= arguments.Width; next += LaneLoop.Lanes)
                (TLanes.Load(weights + next) - (errors * TLanes.Load(factor + next))).Store(weights + next);
            for (; next < arguments.Width; next++)
                weights[next] -= error * factor[next];
        }
    }

    private static void RunRowScalar(in Arguments arguments, long row)
    {
        float* weights = arguments.Weights + (row * arguments.Columns) + arguments.First;
        for (int column = 0; column < arguments.Width; column++)
        {
            float* factor = arguments.Factor + ((long)column * arguments.Width);
            float error = RoundOne(arguments, row, column, factor[column]);
            for (int next = column + 1; next < arguments.Width; next++)
                weights[next] -= error * factor[next];
        }
    }

    /// <summary>e of one weight, which is noted.</summary>
    private static float RoundOne(in Arguments arguments, long row, int column, float diagonal)
    {
        float weight = arguments.Weights[(row * arguments.Columns) + arguments.First + column];
        GroupGrid grid = new(arguments.Grid, (row * arguments.ScalesPerRow) + (arguments.Places[arguments.First + column] / arguments.BlockSize));
        float error = (weight - (grid.Level(weight / grid.Scale) * grid.Scale)) / diagonal;
        arguments.Errors[(row * arguments.Width) + column] = error;
        return error;
    }
}
