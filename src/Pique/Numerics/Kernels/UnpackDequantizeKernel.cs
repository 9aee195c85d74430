using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Pique.Numerics.Kernels;

/// <summary>Unpacks codes and reads weights back: (code − zeroPoint + offset)·scale, equal to <see cref="ScalarQuantizer.Dequantize"/>. See docs/math.md §1.</summary>
internal static unsafe class UnpackDequantizeKernel
{
    /// <summary>Reads consecutive weights of a matrix.</summary>
    /// <param name="packed">Packed codes of the matrix, rows·⌈columns·bits/8⌉ bytes.</param>
    /// <param name="scales">A scale for every group.</param>
    /// <param name="zeroPoints">A zero point for every group; empty on the symmetric grids.</param>
    /// <param name="grid">The codes.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="firstWeight">Index of the first weight, counting row by row.</param>
    /// <param name="output">Receives as many weights as it has room for.</param>
    /// <param name="form">Form of the kernel; null for the best.</param>
    /// <exception cref="ArgumentException">A length does not fit the layout.</exception>
    public static void Run(
        ReadOnlySpan<byte> packed, ReadOnlySpan<float> scales, ReadOnlySpan<float> zeroPoints, CodeGrid grid, GroupLayout layout, long firstWeight, Span<float> output, KernelForm? form = null)
    {
        PackedLengths.Require("bytes of codes", packed.Length, layout.Rows * BitPacking.RowBytes(layout.Columns, grid.Bits));
        PackedLengths.RequireGrid(scales.Length, zeroPoints.Length, grid, layout);
        PackedLengths.RequireRange(firstWeight, output.Length, layout);
        fixed (float* scale = scales, zeroPoint = zeroPoints, first = output)
        fixed (byte* codes = packed)
            Run(codes, new GridPointers(grid, scale, grid.Symmetric ? null : zeroPoint), grid.Bits, layout, firstWeight, output.Length, first, form ?? KernelForms.Best);
    }

    /// <summary>Reads a matrix into a tensor.</summary>
    /// <param name="packed">Packed codes of the matrix, rows·⌈columns·bits/8⌉ bytes.</param>
    /// <param name="scales">A scale for every group.</param>
    /// <param name="zeroPoints">A zero point for every group; empty on the symmetric grids.</param>
    /// <param name="grid">The codes.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="output">Receives the weights: float32, contiguous, on the CPU.</param>
    /// <exception cref="ArgumentException">A length does not fit the layout, or the tensor is not such.</exception>
    public static void Run(ReadOnlySpan<byte> packed, ReadOnlySpan<float> scales, ReadOnlySpan<float> zeroPoints, CodeGrid grid, GroupLayout layout, Tensor output)
    {
        PackedLengths.Require("bytes of codes", packed.Length, layout.Rows * BitPacking.RowBytes(layout.Columns, grid.Bits));
        PackedLengths.RequireGrid(scales.Length, zeroPoints.Length, grid, layout);
        PackedLengths.Require("weights", output.numel(), layout.WeightCount);
        float* first = TensorPointer.Of(output);
        if (layout.WeightCount == 0)
            return;
        fixed (float* scale = scales, zeroPoint = zeroPoints)
        fixed (byte* codes = packed)
            Run(codes, new GridPointers(grid, scale, grid.Symmetric ? null : zeroPoint), grid.Bits, layout, 0, layout.WeightCount, first, KernelForms.Best);
    }

    /// <summary>Reads consecutive weights of a matrix.</summary>
    /// <param name="packed">Packed codes of the matrix, rows·⌈columns·bits/8⌉ bytes.</param>
    /// <param name="grid">The grid of every group.</param>
    /// <param name="bits">Bits a code.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="firstWeight">Index of the first weight, counting row by row.</param>
    /// <param name="count">Number of weights.</param>
    /// <param name="output">Receives the weights.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(byte* packed, in GridPointers grid, int bits, GroupLayout layout, long firstWeight, long count, float* output, KernelForm form)
    {
        PackedRows rows = new(layout);
        long rowBytes = BitPacking.RowBytes(layout.Columns, bits);
        Arguments arguments = new()
        {
            Packed = packed,
            PackedEnd = packed + (layout.Rows * rowBytes),
            Columns = layout.Columns,
            IsEven = rows.BlockSize % LaneLoop.Lanes == 0,
            RowBytes = rowBytes,
            Bits = new(bits),
            Grid = grid,
            Rows = rows,
            Output = output - firstWeight,
        };
        switch (form)
        {
            case KernelForm.Simd512:
                RunLanes<ArithmeticLevels<Lanes512>, Lanes512>(rows, arguments, firstWeight, count);
                break;
            case KernelForm.Simd256 when TableLevels.Serves(bits):
                RunLanes<TableLevels, Lanes256>(rows, arguments, firstWeight, count);
                break;
            case KernelForm.Simd256:
                RunLanes<ArithmeticLevels<Lanes256>, Lanes256>(rows, arguments, firstWeight, count);
                break;
            case KernelForm.Simd128:
                RunLanes<ArithmeticLevels<Lanes128>, Lanes128>(rows, arguments, firstWeight, count);
                break;
            default:
                rows.Run(new ScalarChunks(arguments), firstWeight, count);
                break;
        }
    }

    private struct Arguments
    {
        public byte* Packed;
        public byte* PackedEnd;
        public long Columns;
        public bool IsEven;
        public long RowBytes;
        public CodeBits Bits;
        public GridPointers Grid;
        public PackedRows Rows;
        public float* Output;
    }

    private static void RunLanes<TReader, TLanes>(in PackedRows rows, in Arguments arguments, long firstWeight, long count)
        where TReader : unmanaged, ILevelReader<TReader, TLanes> where TLanes : unmanaged, ILanes<TLanes>
    {
        // Sixteen weights stay aligned to 64 bytes only where rows and blocks hold multiples of them.
        bool isNonTemporal = count * sizeof(float) > PastTheCaches.LeastBytes && ((nuint)(arguments.Output + firstWeight) & 63) == 0
            && rows.BlockSize % LaneLoop.Lanes == 0 && rows.LineWidth % LaneLoop.Lanes == 0 && arguments.Columns % LaneLoop.Lanes == 0;
        if (isNonTemporal)
            rows.Run(new Chunks<TReader, TLanes, PastTheCaches>(arguments), firstWeight, count);
        else
            rows.Run(new Chunks<TReader, TLanes, ThroughTheCaches>(arguments), firstWeight, count);
    }

    private readonly struct Chunks<TReader, TLanes, TStores>(Arguments arguments) : IRowKernel
        where TReader : unmanaged, ILevelReader<TReader, TLanes> where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        private readonly Arguments _arguments = arguments;

        // A large matrix may be the only one: there is no time to wait for a better tier of code.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(in RowChunk chunk)
        {
            byte* row = _arguments.Packed + (chunk.Row * _arguments.RowBytes);
            long bytesLeft = _arguments.PackedEnd - row;
            float* output = _arguments.Output + chunk.First;
            if (_arguments.IsEven && chunk.Column % LaneLoop.Lanes == 0 && chunk.Count % LaneLoop.Lanes == 0
                && new PackedRun(row, bytesLeft, chunk.Column, _arguments.Bits.Bits).WholeSteps(chunk.Count) * LaneLoop.Lanes == chunk.Count)
            {
                RunEven(chunk, row + (chunk.Column / 8 * _arguments.Bits.Bits), output);
                return;
            }

            TReader levels = TReader.Create(_arguments.Bits);
            GridPointers grid = _arguments.Grid;
            int bits = _arguments.Bits.Bits;
            GroupCursor cursor = new(_arguments.Rows, chunk.First);
            for (int done = 0; done < chunk.Count;)
            {
                int count = cursor.Left(chunk.Count - done);
                PackedRun run = new(row, bytesLeft, chunk.Column + done, bits);
                levels.Take(grid.Scales[cursor.Group], grid.Offset - grid.ZeroPoint(cursor.Group), run.FirstBit);
                int whole = run.WholeSteps(count);
                byte* packed = run.First;
                float* destination = output + done;
                for (float* end = destination + (whole * LaneLoop.Lanes); destination < end; destination += LaneLoop.Lanes, packed += run.StepBytes)
                    TStores.Store(levels.Read(packed), destination);
                if (whole * LaneLoop.Lanes < count)
                    DequantizeFew(_arguments, cursor.Group, run, whole, output + done, count);
                cursor.Pass(count);
                done += count;
            }
        }

        /// <summary>A chunk of whole steps in which every group begins with a step: nothing to check, and no call that would empty the registers.</summary>
        /// <remarks>A method of its own: what one method may inline has a limit.</remarks>
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void RunEven(in RowChunk chunk, byte* packed, float* output)
        {
            TReader levels = TReader.Create(_arguments.Bits);
            GridPointers grid = _arguments.Grid;
            int stepBytes = 2 * _arguments.Bits.Bits;
            GroupCursor cursor = new(_arguments.Rows, chunk.First);
            for (float* end = output + chunk.Count; output < end;)
            {
                int count = cursor.Left((int)(end - output));
                levels.Take(grid.Scales[cursor.Group], grid.Offset - grid.ZeroPoint(cursor.Group), 0);
                for (float* groupEnd = output + count; output < groupEnd; output += LaneLoop.Lanes, packed += stepBytes)
                    TStores.Store(levels.Read(packed), output);
                cursor.Pass(count);
            }
        }

        /// <summary>The end of a run: steps whose words would reach past the end of the matrix, and fewer than sixteen weights.</summary>
        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void DequantizeFew(in Arguments arguments, long group, PackedRun run, int firstStep, float* output, int count)
        {
            byte* packed = stackalloc byte[PackedRun.PaddedBytes];
            float* padded = stackalloc float[LaneLoop.Lanes];
            TReader levels = TReader.Create(arguments.Bits);
            levels.Take(arguments.Grid.Scales[group], arguments.Grid.Offset - arguments.Grid.ZeroPoint(group), run.FirstBit);
            for (int step = firstStep; step * LaneLoop.Lanes < count; step++)
            {
                int inStep = Math.Min(count - (step * LaneLoop.Lanes), LaneLoop.Lanes);
                run.CopyStep(step, inStep, packed);
                levels.Read(packed).Store(padded);
                Unsafe.CopyBlockUnaligned(output + (step * LaneLoop.Lanes), padded, (uint)inStep * sizeof(float));
            }
        }
    }

    private readonly struct ScalarChunks(Arguments arguments) : IRowKernel
    {
        private readonly Arguments _arguments = arguments;

        public void Run(in RowChunk chunk)
        {
            GroupCursor cursor = new(_arguments.Rows, chunk.First);
            byte* row = _arguments.Packed + (chunk.Row * _arguments.RowBytes);
            int bits = _arguments.Bits.Bits;
            for (int i = 0; i < chunk.Count; i++)
            {
                long bit = (chunk.Column + i) * bits;
                int word = row[bit / 8] | (((bit % 8) + bits > 8 ? row[(bit / 8) + 1] : 0) << 8);
                byte code = (byte)((word >> (int)(bit % 8)) & ((1 << bits) - 1));
                _arguments.Output[chunk.First + i] = ScalarQuantizer.Dequantize(
                    code, _arguments.Grid.Scales[cursor.Group], (int)_arguments.Grid.ZeroPoint(cursor.Group), _arguments.Grid.Offset);
                cursor.Pass(1);
            }
        }
    }
}
