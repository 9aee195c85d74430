using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pique.Numerics.Kernels;

/// <summary>A matrix of ±1.</summary>
internal unsafe struct SignMatrix<T> where T : unmanaged
{
    /// <summary>Rows, a multiple of 4.</summary>
    public int Order;

    /// <summary>Entries, row by row.</summary>
    public T* Signs;
}

/// <summary>
/// Multiplies lines of values by a Kronecker product of matrices of ±1 and, last, Sylvester's matrix of a power of two, in place:
/// y = after ⊙ (K₁ ⊗ … ⊗ Kₘ ⊗ S)·(before ⊙ x).
/// </summary>
/// <remarks>
/// S works on neighbours, at distances 1, 2, 4, …; then the matrices of ±1 from the last to the first, each on parts that lie one behind the other.
/// Lines that are contiguous are transformed where they lie. Others are gathered into panels of a few side by side, where every
/// step is across: the panel lies in the second-level cache, and memory is read and written once.
/// </remarks>
internal static unsafe class HadamardKernel
{
    /// <summary>What a panel may hold: half a second-level cache.</summary>
    private const int PanelBytes = 1 << 18;

    /// <summary>A panel is a multiple of a cache line wide, which is a multiple of every vector.</summary>
    private const int LineBytes = 64;

    /// <summary>Shape and memory: values are [outer, order, inner], lines run along order.</summary>
    public struct Arguments<T> where T : unmanaged
    {
        /// <summary>The values, transformed in place.</summary>
        public T* Values;

        /// <summary>Blocks of order · inner values.</summary>
        public long Outer;

        /// <summary>Lines that lie side by side; 1 where lines are contiguous.</summary>
        public long Inner;

        /// <summary>Order of Sylvester's matrix.</summary>
        public int PowerOfTwo;

        /// <summary>The matrices of ±1.</summary>
        public SignMatrix<T>* Matrices;

        /// <summary>Their number.</summary>
        public int MatrixCount;

        /// <summary>What each place of a line is multiplied by first; null for nothing.</summary>
        public T* Before;

        /// <summary>What each place of a line is multiplied by last; null for nothing.</summary>
        public T* After;

        /// <summary>Values of a line.</summary>
        public readonly long Order
        {
            get
            {
                long order = PowerOfTwo;
                for (int matrix = 0; matrix < MatrixCount; matrix++)
                    order *= Matrices[matrix].Order;
                return order;
            }
        }

        /// <summary>Largest order of a matrix of ±1; 0 for none.</summary>
        public readonly int LargestMatrix
        {
            get
            {
                int largest = 0;
                for (int matrix = 0; matrix < MatrixCount; matrix++)
                    largest = Math.Max(largest, Matrices[matrix].Order);
                return largest;
            }
        }
    }

    /// <summary>Runs the kernel.</summary>
    /// <param name="arguments">Shape and memory.</param>
    /// <param name="form">Form of the kernel.</param>
    /// <typeparam name="T">float or double.</typeparam>
    public static void Run<T>(in Arguments<T> arguments, KernelForm form) where T : unmanaged, INumber<T>
    {
        // Contiguous lines need whole vectors of neighbours; where these are few, shorter vectors do.
        bool isContiguous = arguments.Inner == 1 && arguments.PowerOfTwo * sizeof(T) >= 16;
        if (isContiguous && form == KernelForm.Simd512 && arguments.PowerOfTwo * sizeof(T) < 64)
            form = KernelForm.Simd256;
        if (isContiguous && form == KernelForm.Simd256 && arguments.PowerOfTwo * sizeof(T) < 32)
            form = KernelForm.Simd128;
        switch (form)
        {
            case KernelForm.Simd512:
                RunVectors<WalshVector512<T>, T>(arguments, isContiguous);
                break;
            case KernelForm.Simd256:
                RunVectors<WalshVector256<T>, T>(arguments, isContiguous);
                break;
            case KernelForm.Simd128:
                RunVectors<WalshVector128<T>, T>(arguments, isContiguous);
                break;
            default:
                ScalarHadamard<T> reference = new(arguments);
                KernelThreads.Run(ref reference, arguments.Outer * arguments.Inner, arguments.Outer * arguments.Inner * arguments.Order);
                break;
        }
    }

    private static void RunVectors<TVector, T>(in Arguments<T> arguments, bool isContiguous)
        where TVector : unmanaged, IWalshVector<TVector, T>
        where T : unmanaged
    {
        long order = arguments.Order, weightCount = arguments.Outer * arguments.Inner * order;
        if (isContiguous)
        {
            Lines<TVector, T> lines = new() { Arguments = arguments, Order = order };
            KernelThreads.Run(ref lines, arguments.Outer, weightCount);
            return;
        }

        long laneCount = arguments.Inner == 1 ? arguments.Outer : arguments.Inner;
        int width = LineBytes / sizeof(T);
        while (2 * width * order * sizeof(T) <= PanelBytes && width < laneCount)
            width *= 2;
        Panels<TVector, T> panels = new()
        {
            Arguments = arguments,
            Order = order,
            Width = width,
            LaneCount = laneCount,
            PanelsPerBlock = (laneCount + width - 1) / width,
        };
        KernelThreads.Run(ref panels, (arguments.Inner == 1 ? 1 : arguments.Outer) * panels.PanelsPerBlock, weightCount);
    }

    /// <summary>Transforms lines that lie <paramref name="width"/> side by side; what lies <paramref name="ahead"/> will be wanted next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transform<TVector, T>(in Arguments<T> arguments, T* values, long order, int width, T* scratch, byte* ahead)
        where TVector : unmanaged, IWalshVector<TVector, T>
        where T : unmanaged
    {
        long count = order * width, stride = (long)arguments.PowerOfTwo * width;
        for (T* part = values; part < values + count; part += stride)
            WalshPasses<TVector, T>.Run(part, stride, width, ahead + ((byte*)part - (byte*)values));
        for (int matrix = arguments.MatrixCount - 1; matrix >= 0; matrix--)
        {
            SignMatrix<T> of = arguments.Matrices[matrix];
            SignMatrixPasses<TVector, T>.Run(values, count, of.Order, of.Signs, stride, scratch);
            stride *= of.Order;
        }
    }

    private static T* Allocate<T>(long count) where T : unmanaged => (T*)NativeMemory.AlignedAlloc((nuint)(Math.Max(1, count) * sizeof(T)), LineBytes);

    /// <summary>Lines where they lie.</summary>
    private struct Lines<TVector, T> : ISlicedWork
        where TVector : unmanaged, IWalshVector<TVector, T>
        where T : unmanaged
    {
        public Arguments<T> Arguments;
        public long Order;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            T* scratch = Allocate<T>(SignMatrixPasses<TVector, T>.ScratchCount(Arguments.LargestMatrix));
            for (long line = first; line < end; line++)
            {
                T* values = Arguments.Values + (line * Order);
                T* next = line + 1 < end ? values + Order : values;
                if (Arguments.Before != null)
                    Scale(values, Arguments.Before, Order);
                Transform<TVector, T>(Arguments, values, Order, 1, scratch, (byte*)next);
                if (Arguments.After != null)
                    Scale(values, Arguments.After, Order);
            }

            NativeMemory.AlignedFree(scratch);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Scale(T* values, T* factors, long count)
        {
            // A line is a multiple of a vector: its neighbours are.
            for (long i = 0; i < count; i += TVector.Count)
                (TVector.Load(factors + i) * TVector.Load(values + i)).Store(values + i);
        }
    }

    /// <summary>Lines that do not lie contiguous, or are short: some at a time, side by side in a panel.</summary>
    private struct Panels<TVector, T> : ISlicedWork
        where TVector : unmanaged, IWalshVector<TVector, T>
        where T : unmanaged
    {
        public Arguments<T> Arguments;
        public long Order;
        public int Width;
        public long LaneCount;
        public long PanelsPerBlock;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            T* scratch = Allocate<T>(SignMatrixPasses<TVector, T>.ScratchCount(Arguments.LargestMatrix));
            T* panel = Allocate<T>(Order * Width);
            for (long slice = first; slice < end; slice++)
            {
                (long block, long place) = Math.DivRem(slice, PanelsPerBlock);
                long lane = place * Width;
                int lanes = (int)Math.Min(Width, LaneCount - lane);
                T* values = Arguments.Values + (block * Order * Arguments.Inner) + (Arguments.Inner == 1 ? lane * Order : lane);
                Gather(values, panel, lanes);
                Transform<TVector, T>(Arguments, panel, Order, Width, scratch, (byte*)panel);
                Scatter(panel, values, lanes);
            }

            NativeMemory.AlignedFree(panel);
            NativeMemory.AlignedFree(scratch);
        }

        private readonly void Gather(T* values, T* panel, int lanes)
        {
            for (long row = 0; row < Order; row++, panel += Width)
            {
                if (Arguments.Inner == 1)
                {
                    for (int lane = 0; lane < lanes; lane++)
                        panel[lane] = values[(lane * Order) + row];
                }
                else
                {
                    new ReadOnlySpan<T>(values + (row * Arguments.Inner), lanes).CopyTo(new Span<T>(panel, lanes));
                }

                new Span<T>(panel + lanes, Width - lanes).Clear();
                if (Arguments.Before != null)
                    Scale(panel, Arguments.Before[row]);
            }
        }

        private readonly void Scatter(T* panel, T* values, int lanes)
        {
            for (long row = 0; row < Order; row++, panel += Width)
            {
                if (Arguments.After != null)
                    Scale(panel, Arguments.After[row]);
                if (Arguments.Inner == 1)
                {
                    for (int lane = 0; lane < lanes; lane++)
                        values[(lane * Order) + row] = panel[lane];
                }
                else
                {
                    new ReadOnlySpan<T>(panel, lanes).CopyTo(new Span<T>(values + (row * Arguments.Inner), lanes));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Scale(T* row, T factor)
        {
            TVector factors = TVector.Broadcast(factor);
            for (int i = 0; i < Width; i += TVector.Count)
                (factors * TVector.Load(row + i)).Store(row + i);
        }
    }
}
