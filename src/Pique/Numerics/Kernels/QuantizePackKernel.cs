using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Pique.Numerics.Kernels;

/// <summary>Quantizes weights and packs their codes, the layout of <see cref="BitPacking"/>: what a layer is stored as. See docs/math.md §1.</summary>
internal static unsafe class QuantizePackKernel
{
    /// <summary>Quantizes and packs a matrix.</summary>
    /// <param name="weights">Weights, rows·columns.</param>
    /// <param name="scales">A scale for every group.</param>
    /// <param name="zeroPoints">A zero point for every group; empty on the symmetric grids.</param>
    /// <param name="grid">The codes.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="packed">Receives rows·⌈columns·bits/8⌉ bytes.</param>
    /// <param name="form">Form of the kernel; null for the best.</param>
    /// <exception cref="ArgumentException">A length does not fit the layout.</exception>
    public static void Run(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> scales, ReadOnlySpan<float> zeroPoints, CodeGrid grid, GroupLayout layout, Span<byte> packed, KernelForm? form = null)
    {
        PackedLengths.Require("weights", weights.Length, layout.WeightCount);
        PackedLengths.RequireGrid(scales.Length, zeroPoints.Length, grid, layout);
        PackedLengths.Require("bytes of codes", packed.Length, layout.Rows * BitPacking.RowBytes(layout.Columns, grid.Bits));
        fixed (float* first = weights, scale = scales, zeroPoint = zeroPoints)
        fixed (byte* output = packed)
            Run(first, new GridPointers(grid, scale, grid.Symmetric ? null : zeroPoint), grid.Bits, layout, output, form ?? KernelForms.Best);
    }

    /// <summary>Quantizes and packs a matrix.</summary>
    /// <param name="weight">Weights: float32, contiguous, on the CPU.</param>
    /// <param name="scales">A scale for every group.</param>
    /// <param name="zeroPoints">A zero point for every group; empty on the symmetric grids.</param>
    /// <param name="grid">The codes.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="packed">Receives rows·⌈columns·bits/8⌉ bytes.</param>
    /// <exception cref="ArgumentException">A length does not fit the layout, or the tensor is not such.</exception>
    public static void Run(Tensor weight, ReadOnlySpan<float> scales, ReadOnlySpan<float> zeroPoints, CodeGrid grid, GroupLayout layout, Span<byte> packed)
    {
        PackedLengths.Require("weights", weight.numel(), layout.WeightCount);
        PackedLengths.RequireGrid(scales.Length, zeroPoints.Length, grid, layout);
        PackedLengths.Require("bytes of codes", packed.Length, layout.Rows * BitPacking.RowBytes(layout.Columns, grid.Bits));
        fixed (float* scale = scales, zeroPoint = zeroPoints)
        fixed (byte* output = packed)
            Run(TensorPointer.Of(weight), new GridPointers(grid, scale, grid.Symmetric ? null : zeroPoint), grid.Bits, layout, output, KernelForms.Best);
    }

    /// <summary>Quantizes and packs a matrix.</summary>
    /// <param name="weights">Weights, rows·columns.</param>
    /// <param name="grid">The grid of every group.</param>
    /// <param name="bits">Bits a code.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="packed">Receives rows·⌈columns·bits/8⌉ bytes.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(float* weights, in GridPointers grid, int bits, GroupLayout layout, byte* packed, KernelForm form)
    {
        PackedRows rows = new(layout);
        Arguments arguments = new() { Weights = weights, Grid = grid, Packed = packed, RowBytes = BitPacking.RowBytes(layout.Columns, bits), Bits = new(bits), Rows = rows };
        switch (form)
        {
            case KernelForm.Simd512:
                rows.Run(new Chunks<Lanes512>(arguments), 0, layout.WeightCount);
                break;
            case KernelForm.Simd256:
                rows.Run(new Chunks<Lanes256>(arguments), 0, layout.WeightCount);
                break;
            case KernelForm.Simd128:
                rows.Run(new Chunks<Lanes128>(arguments), 0, layout.WeightCount);
                break;
            default:
                rows.Run(new ScalarChunks(arguments), 0, layout.WeightCount);
                break;
        }
    }

    private struct Arguments
    {
        public float* Weights;
        public GridPointers Grid;
        public byte* Packed;
        public long RowBytes;
        public CodeBits Bits;
        public PackedRows Rows;

        public readonly byte* Destination(in RowChunk chunk) => Packed + (chunk.Row * RowBytes) + (chunk.Column * Bits.Bits / 8);
    }

    private readonly struct Chunks<TLanes>(Arguments arguments) : IRowKernel where TLanes : unmanaged, ILanes<TLanes>
    {
        private readonly Arguments _arguments = arguments;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(in RowChunk chunk)
        {
            // The codes of the chunk and room for the last, incomplete eight.
            byte* codes = stackalloc byte[PackedRows.ChunkWeights + sizeof(ulong)];
            float* weights = _arguments.Weights + chunk.First;
            GroupCursor cursor = new(_arguments.Rows, chunk.First);
            for (int done = 0; done < chunk.Count;)
            {
                int count = cursor.Left(chunk.Count - done);
                if (count < LaneLoop.Lanes)
                    QuantizeFew(weights + done, _arguments.Grid, cursor.Group, codes + done, count);
                else
                    Quantize(weights + done, _arguments.Grid, cursor.Group, codes + done, count);
                cursor.Pass(count);
                done += count;
            }

            *(ulong*)(codes + chunk.Count) = 0;
            PackCodes(codes, chunk.Count, _arguments.Bits, _arguments.Destination(chunk));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Quantize(float* weights, in GridPointers pointers, long group, byte* codes, int count)
        {
            ReciprocalGrid<TLanes> grid = new(new GroupGrid(pointers, group));
            int last = count - LaneLoop.Lanes;
            for (int i = 0; i < last; i += LaneLoop.Lanes)
                grid.Codes(TLanes.Load(weights + i)).Store(codes + i);

            // The last sixteen may overlap the sixteen before: the same weights give the same codes.
            grid.Codes(TLanes.Load(weights + last)).Store(codes + last);
        }

        private static void QuantizeFew(float* weights, in GridPointers pointers, long group, byte* codes, int count)
        {
            float* padded = stackalloc float[LaneLoop.Lanes];
            byte* paddedCodes = stackalloc byte[LaneLoop.Lanes];
            Unsafe.CopyBlockUnaligned(padded, weights, (uint)count * sizeof(float));
            Quantize(padded, pointers, group, paddedCodes, LaneLoop.Lanes);
            Unsafe.CopyBlockUnaligned(codes, paddedCodes, (uint)count);
        }
    }

    /// <summary>Packs codes of a row. Eight of them make <see cref="CodeBits.Bits"/> bytes, written as a word whose rest the next word overwrites, while a word fits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackCodes(byte* codes, int count, in CodeBits packing, byte* packed)
    {
        CodeBits bits = packing;
        byte* end = packed + ((((long)count * bits.Bits) + 7) / 8);
        byte* lastWord = end - sizeof(ulong);
        for (; packed + bits.Bits <= lastWord; packed += 2 * bits.Bits, codes += 16)
        {
            *(ulong*)packed = bits.Pack(*(ulong*)codes);
            *(ulong*)(packed + bits.Bits) = bits.Pack(*(ulong*)(codes + 8));
        }

        for (; packed <= lastWord; packed += bits.Bits, codes += 8)
            *(ulong*)packed = bits.Pack(*(ulong*)codes);
        for (; packed < end; packed += bits.Bits, codes += 8)
        {
            ulong word = bits.Pack(*(ulong*)codes);
            for (int i = 0; i < bits.Bits && packed + i < end; i++)
                packed[i] = (byte)(word >> (8 * i));
        }
    }

    private readonly struct ScalarChunks(Arguments arguments) : IRowKernel
    {
        private readonly Arguments _arguments = arguments;

        public void Run(in RowChunk chunk)
        {
            byte* codes = stackalloc byte[PackedRows.ChunkWeights];
            GroupCursor cursor = new(_arguments.Rows, chunk.First);
            for (int i = 0; i < chunk.Count; i++)
            {
                GroupGrid grid = new(_arguments.Grid, cursor.Group);
                codes[i] = (byte)(grid.Integer(_arguments.Weights[chunk.First + i] / grid.Scale) + _arguments.Grid.ZeroPoint(cursor.Group));
                cursor.Pass(1);
            }

            int bits = _arguments.Bits.Bits;
            BitPacking.PackRow(new ReadOnlySpan<byte>(codes, chunk.Count), bits, new Span<byte>(_arguments.Destination(chunk), (int)BitPacking.RowBytes(chunk.Count, bits)));
        }
    }
}
