using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pique.Numerics.Kernels;

/// <summary>Transforms lines whose values do not lie side by side, or not enough of them: some lines at a time, side by side in a panel.</summary>
/// <remarks>The panel lies in the second-level cache, so memory is read and written once, however far apart the values of a line are.</remarks>
internal readonly unsafe struct HadamardPanels<TVector, T> : ISlicedWork
    where TVector : unmanaged, IWalshVector<TVector, T>
    where T : unmanaged, INumber<T>
{
    /// <summary>What a panel may hold: half a second-level cache.</summary>
    private const int PanelBytes = 1 << 18;

    private readonly HadamardArguments<T> _arguments;
    private readonly long _order;
    private readonly long _laneCount;
    private readonly long _panelsPerBlock;
    private readonly int _width;

    /// <summary>Plans the panels.</summary>
    public HadamardPanels(in HadamardArguments<T> arguments)
    {
        _arguments = arguments;
        _order = arguments.Order;
        _laneCount = IsTransposed ? arguments.Outer : arguments.Inner;
        _width = HadamardKernel.CacheLineBytes / sizeof(T);
        while (2 * _width * _order * sizeof(T) <= PanelBytes && _width < _laneCount)
            _width *= 2;
        _panelsPerBlock = (_laneCount + _width - 1) / _width;
        PanelCount = IsTransposed ? _panelsPerBlock : arguments.Outer * _panelsPerBlock;
    }

    /// <summary>Number of slices.</summary>
    public long PanelCount { get; }

    /// <summary>Whether lines lie one behind the other in memory.</summary>
    private bool IsTransposed => _arguments.Inner == 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(long first, long end)
    {
        T* scratch = HadamardKernel.Allocate<T>(SignMatrixPasses<TVector, T>.ScratchCount(_arguments.LargestMatrix));
        T* panel = HadamardKernel.Allocate<T>(_order * _width);
        for (long slice = first; slice < end; slice++)
        {
            (long block, long place) = Math.DivRem(slice, _panelsPerBlock);
            long lane = place * _width;
            int lanes = (int)Math.Min(_width, _laneCount - lane);
            T* values = _arguments.Values + (block * _order * _arguments.Inner) + (IsTransposed ? lane * _order : lane);
            Gather(values, panel, lanes);
            HadamardKernel.Transform<TVector, T>(_arguments, panel, _order, _width, scratch);
            Scatter(panel, values, lanes);
        }

        NativeMemory.AlignedFree(panel);
        NativeMemory.AlignedFree(scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Gather(T* values, T* panel, int lanes)
    {
        for (long row = 0; row < _order; row++, panel += _width)
        {
            if (IsTransposed)
            {
                for (int lane = 0; lane < lanes; lane++)
                    panel[lane] = values[(lane * _order) + row];
            }
            else
            {
                new ReadOnlySpan<T>(values + (row * _arguments.Inner), lanes).CopyTo(new Span<T>(panel, lanes));
            }

            new Span<T>(panel + lanes, _width - lanes).Clear();
            if (_arguments.Before != null)
                Scale(panel, _arguments.Before[row]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Scatter(T* panel, T* values, int lanes)
    {
        for (long row = 0; row < _order; row++, panel += _width)
        {
            if (_arguments.After != null)
                Scale(panel, _arguments.After[row]);
            if (IsTransposed)
            {
                for (int lane = 0; lane < lanes; lane++)
                    values[(lane * _order) + row] = panel[lane];
            }
            else
            {
                new ReadOnlySpan<T>(panel, lanes).CopyTo(new Span<T>(values + (row * _arguments.Inner), lanes));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Scale(T* row, T factor)
    {
        TVector factors = TVector.Broadcast(factor);
        for (int i = 0; i < _width; i += TVector.Count)
            (factors * TVector.Load(row + i)).Store(row + i);
    }
}
