using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Rounds weights to their grids and back: ŵ = level·s, and w + ρ·(ŵ − w) during the warm-up. Math of record §1 and §4.</summary>
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

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(in BlockPiece piece) => RunBlock<TLanes>(_arguments, piece, new GroupGrid(_arguments.Grid, piece.Group));
    }

    /// <summary>Fake-quantizes one piece of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void RunBlock<TLanes>(in Arguments arguments, in BlockPiece piece, in GroupGrid grid) where TLanes : unmanaged, ILanes<TLanes>
    {
        byte* output = arguments.Output + (piece.First * arguments.OutputBytes);
        if (arguments.IsBFloat16)
        {
            BFloat16Step<TLanes> step = new(grid, arguments.Strength);
            LaneLoop.Run(ref step, arguments.Weights + piece.First, null, output, sizeof(ushort), piece.Count);
        }
        else
        {
            Step<TLanes> step = new(grid, arguments.Strength, arguments.IsNonTemporal && ((nuint)output & 63) == 0 && piece.Count % LaneLoop.Lanes == 0);
            LaneLoop.Run(ref step, arguments.Weights + piece.First, null, output, sizeof(float), piece.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Apply<TLanes>(in GroupGrid grid, float strength, TLanes weight) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes scale = TLanes.Broadcast(grid.Scale);
        TLanes rounded = grid.Levels(weight / scale) * scale;
        return strength < 1f ? ((rounded - weight) * TLanes.Broadcast(strength)) + weight : rounded;
    }

    private readonly struct Step<TLanes>(in GroupGrid grid, float strength, bool isNonTemporal) : ILaneStep where TLanes : unmanaged, ILanes<TLanes>
    {
        private readonly GroupGrid _grid = grid;
        private readonly float _strength = strength;
        private readonly bool _isNonTemporal = isNonTemporal;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void ILaneStep.Step(float* first, float* second, byte* output)
        {
            TLanes result = Apply(_grid, _strength, TLanes.Load(first));
            if (_isNonTemporal)
                result.StoreNonTemporal((float*)output);
            else
                result.Store((float*)output);
        }
    }

    private readonly struct BFloat16Step<TLanes>(in GroupGrid grid, float strength) : ILaneStep where TLanes : unmanaged, ILanes<TLanes>
    {
        private readonly GroupGrid _grid = grid;
        private readonly float _strength = strength;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void ILaneStep.Step(float* first, float* second, byte* output) => Apply(_grid, _strength, TLanes.Load(first)).StoreBFloat16((ushort*)output);
    }

    private readonly struct ScalarBlocks(Arguments arguments) : IBlockKernel
    {
        private readonly Arguments _arguments = arguments;

        public void Run(in BlockPiece piece) => RunScalar(_arguments, piece, new GroupGrid(_arguments.Grid, piece.Group));
    }

    /// <summary>The scalar reference of <see cref="RunBlock"/>.</summary>
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
