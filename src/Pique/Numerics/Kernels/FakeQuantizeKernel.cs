using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Rounds weights to their grids and back: ŵ = level·s, and w + ρ·(ŵ − w) during the warm-up. See docs/math.md §1 and §4.</summary>
internal static unsafe class FakeQuantizeKernel
{
    /// <summary>Fake-quantizes a matrix.</summary>
    /// <param name="arguments">Its memory and grid.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(in Arguments arguments, GroupLayout layout, KernelForm form)
    {
        BlockWalk walk = new(layout);
        switch (form)
        {
            case KernelForm.Simd512:
                walk.Run(new Blocks<Lanes512>(arguments));
                break;
            case KernelForm.Simd256:
                walk.Run(new Blocks<Lanes256>(arguments));
                break;
            case KernelForm.Simd128:
                walk.Run(new Blocks<Lanes128>(arguments));
                break;
            default:
                walk.Run(new ScalarBlocks(arguments));
                break;
        }
    }

    /// <summary>What the kernel reads and writes.</summary>
    internal struct Arguments
    {
        /// <summary>Weights.</summary>
        public float* Weights;

        /// <summary>Output: float32, or bfloat16 where <see cref="IsBFloat16"/>.</summary>
        public byte* Output;

        /// <summary>Whether the output is bfloat16, rounded from the float32 result to nearest, ties to even.</summary>
        public bool IsBFloat16;

        /// <summary>Whether the output is larger than the caches.</summary>
        public bool IsNonTemporal;

        /// <summary>ρ of the warm-up, 0 to 1.</summary>
        public float Strength;

        /// <summary>The grid of every group.</summary>
        public GridPointers Grid;

        /// <summary>Bytes of an output value.</summary>
        public readonly int OutputBytes => IsBFloat16 ? sizeof(ushort) : sizeof(float);
    }

    private struct Blocks<TLanes>(Arguments arguments) : IBlockKernel where TLanes : unmanaged, ILanes<TLanes>
    {
        private readonly Arguments _arguments = arguments;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(BlockPiece piece, long blockCount)
        {
            for (long block = 0; block < blockCount; block++)
                RunBlock<TLanes>(_arguments, piece.Next(block), new GroupGrid(_arguments.Grid, piece.Group + block));
        }
    }

    /// <summary>Fake-quantizes one piece of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void RunBlock<TLanes>(in Arguments arguments, in BlockPiece piece, in GroupGrid grid) where TLanes : unmanaged, ILanes<TLanes>
    {
        if (arguments.IsBFloat16)
            RunBlock<TLanes, AsBFloat16>(arguments, piece, grid);
        else if (arguments.IsNonTemporal && ((nuint)((float*)arguments.Output + piece.First) & 63) == 0)
            RunBlock<TLanes, PastTheCaches>(arguments, piece, grid);
        else
            RunBlock<TLanes, ThroughTheCaches>(arguments, piece, grid);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunBlock<TLanes, TStores>(in Arguments arguments, in BlockPiece piece, in GroupGrid grid)
        where TLanes : unmanaged, ILanes<TLanes>
        where TStores : struct, IStores
    {
        GroupGrid<TLanes> lanes = new(grid);
        float* weight = arguments.Weights + piece.First;
        byte* output = arguments.Output + (piece.First * TStores.Bytes);
        int whole = piece.Count & ~(LaneLoop.Lanes - 1);
        for (float* end = weight + whole; weight < end; weight += LaneLoop.Lanes, output += LaneLoop.Lanes * TStores.Bytes)
            TStores.Store(Apply(lanes, arguments.Strength, TLanes.Load(weight)), (float*)output);
        if (whole < piece.Count)
            RunTail<TLanes, TStores>(arguments, grid, weight, output, piece.Count - whole);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunTail<TLanes, TStores>(in Arguments arguments, in GroupGrid grid, float* weight, byte* output, int count)
        where TLanes : unmanaged, ILanes<TLanes>
        where TStores : struct, IStores
    {
        float* padded = stackalloc float[2 * LaneLoop.Lanes];
        new Span<float>(padded, LaneLoop.Lanes).Clear();
        Unsafe.CopyBlockUnaligned(padded, weight, (uint)count * sizeof(float));
        TLanes result = Apply(new GroupGrid<TLanes>(grid), arguments.Strength, TLanes.Load(padded));
        if (arguments.IsBFloat16)
            result.StoreBFloat16((ushort*)(padded + LaneLoop.Lanes));
        else
            result.Store(padded + LaneLoop.Lanes);
        Unsafe.CopyBlockUnaligned(output, padded + LaneLoop.Lanes, (uint)(count * TStores.Bytes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Apply<TLanes>(in GroupGrid<TLanes> grid, float strength, TLanes weight) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes rounded = grid.Level(weight / grid.Scale) * grid.Scale;
        return strength < 1f ? ((rounded - weight) * TLanes.Broadcast(strength)) + weight : rounded;
    }

    private readonly struct ScalarBlocks(Arguments arguments) : IBlockKernel
    {
        private readonly Arguments _arguments = arguments;

        public void Run(BlockPiece piece, long blockCount)
        {
            for (long block = 0; block < blockCount; block++)
                RunScalar(_arguments, piece.Next(block), new GroupGrid(_arguments.Grid, piece.Group + block));
        }
    }

    /// <summary>The scalar reference of <see cref="RunBlock{TLanes}(in Arguments, in BlockPiece, in GroupGrid)"/>.</summary>
    internal static void RunScalar(in Arguments arguments, in BlockPiece piece, in GroupGrid grid)
    {
        for (long i = piece.First; i < piece.First + piece.Count; i++)
        {
            float weight = arguments.Weights[i];
            float result = grid.Level(weight / grid.Scale) * grid.Scale;
            if (arguments.Strength < 1f)
                result = ((result - weight) * arguments.Strength) + weight;
            if (arguments.IsBFloat16)
                ((ushort*)arguments.Output)[i] = BFloat16Bits(result);
            else
                ((float*)arguments.Output)[i] = result;
        }
    }

    private static ushort BFloat16Bits(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
