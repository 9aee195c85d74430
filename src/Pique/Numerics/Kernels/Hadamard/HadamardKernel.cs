using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pique.Numerics.Kernels;

/// <summary>Multiplies lines of values by a Kronecker product of matrices of ±1 and, last, Sylvester's matrix of a power of two, in place.</summary>
/// <remarks>
/// Sylvester's matrix works on neighbours, at distances 1, 2, 4, …; then the matrices of ±1 from the last to the first, each on parts that
/// lie one behind the other. Lines that are contiguous are transformed where they lie. Others are gathered into panels of a few side
/// by side (<see cref="HadamardPanels{TVector, T}"/>), where every step is across.
/// </remarks>
internal static unsafe class HadamardKernel
{
    /// <summary>A line of the cache, a multiple of every vector.</summary>
    public const int CacheLineBytes = 64;

    private const int ShortestVectorBytes = 16;

    /// <summary>Runs the kernel.</summary>
    /// <param name="arguments">Shape and memory.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run<T>(in HadamardArguments<T> arguments, KernelForm form) where T : unmanaged, INumber<T>
    {
        // Contiguous lines need whole vectors of neighbours; where these are few, shorter vectors do.
        int neighbourBytes = arguments.PowerOfTwo * sizeof(T);
        bool isContiguous = arguments.Inner == 1 && neighbourBytes >= ShortestVectorBytes;
        if (isContiguous && form == KernelForm.Simd512 && neighbourBytes < 4 * ShortestVectorBytes)
            form = KernelForm.Simd256;
        if (isContiguous && form == KernelForm.Simd256 && neighbourBytes < 2 * ShortestVectorBytes)
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

    private static void RunVectors<TVector, T>(in HadamardArguments<T> arguments, bool isContiguous)
        where TVector : unmanaged, IWalshVector<TVector, T>
        where T : unmanaged, INumber<T>
    {
        long order = arguments.Order, weightCount = arguments.Outer * arguments.Inner * order;
        if (isContiguous)
        {
            Lines<TVector, T> lines = new() { Arguments = arguments, Order = order };
            KernelThreads.Run(ref lines, arguments.Outer, weightCount);
        }
        else
        {
            HadamardPanels<TVector, T> panels = new(arguments);
            KernelThreads.Run(ref panels, panels.PanelCount, weightCount);
        }
    }

    /// <summary>Transforms lines that lie <paramref name="width"/> side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform<TVector, T>(in HadamardArguments<T> arguments, T* values, long order, int width, T* scratch)
        where TVector : unmanaged, IWalshVector<TVector, T>
        where T : unmanaged, INumber<T>
    {
        long count = order * width, stride = (long)arguments.PowerOfTwo * width;
        for (T* part = values; part < values + count; part += stride)
            WalshPasses<TVector, T>.Run(part, stride, width);
        for (int matrix = arguments.MatrixCount - 1; matrix >= 0; matrix--)
        {
            SignMatrix<T> of = arguments.Matrices[matrix];
            SignMatrixPasses<TVector, T>.Run(values, count, of.Order, of.Signs, stride, scratch);
            stride *= of.Order;
        }
    }

    /// <summary>Scratch memory, null for none; freed by <see cref="NativeMemory.AlignedFree"/>.</summary>
    public static T* Allocate<T>(long count) where T : unmanaged => count == 0 ? null : (T*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(T)), CacheLineBytes);

    /// <summary>Lines where they lie.</summary>
    private struct Lines<TVector, T> : ISlicedWork
        where TVector : unmanaged, IWalshVector<TVector, T>
        where T : unmanaged, INumber<T>
    {
        public HadamardArguments<T> Arguments;
        public long Order;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            T* scratch = Allocate<T>(SignMatrixPasses<TVector, T>.ScratchCount(Arguments.LargestMatrix));
            for (long line = first; line < end; line++)
            {
                T* values = Arguments.Values + (line * Order);
                if (Arguments.Before != null)
                    Scale(values, Arguments.Before, Order);
                Transform<TVector, T>(Arguments, values, Order, 1, scratch);
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
}
