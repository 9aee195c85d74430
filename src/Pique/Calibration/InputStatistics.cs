using Pique.Data;
using Pique.Formats;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>What calibration learns of the inputs of one layer, or of several that read the same.</summary>
internal sealed class InputStatistics : IDisposable
{
    private readonly MinMaxObserver _wholeRange = new();
    private readonly PercentileObserver _percentile;
    private readonly ValueHistogram _histogram = new();
    private readonly Tensor _squares;
    private readonly int _bits;

    /// <summary>Starts with nothing.</summary>
    /// <param name="layerName">Name of the layer, or of the first of those that read the same, for messages.</param>
    /// <param name="features">Width of the inputs.</param>
    /// <param name="bits">Bits that the inputs might be quantized to.</param>
    /// <param name="percentile">Share of the values within the percentile's range.</param>
    public InputStatistics(string layerName, long features, int bits, double percentile)
    {
        _bits = bits;
        _percentile = new(percentile);
        _squares = zeros(features, dtype: ScalarType.Float64).DetachFromDisposeScope();
        Check = new(layerName);
    }

    /// <summary>Looks for damage.</summary>
    public ActivationCheck Check { get; }

    /// <summary>Inputs seen.</summary>
    public long TokenCount { get; private set; }

    /// <summary>Adds the inputs of a batch.</summary>
    /// <param name="inputs">Shape [rows, tokens, features], float32.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="places">Its tokens among its rows laid end to end.</param>
    public void Add(Tensor inputs, TokenBatch batch, Tensor places)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Check.Add(inputs, batch.Records);
        Tensor tokens = TokenPlaces.Select(inputs.detach().cpu(), places).contiguous();
        TokenCount += tokens.shape[0];
        _squares.add_(tokens.Squared().sum(0, type: ScalarType.Float64), HeldScalar.Of(1));
        TensorMemory.Visit(tokens, (_, values) =>
        {
            _wholeRange.Observe(values);
            _percentile.Observe(values);
            _histogram.Add(values);
        });
    }

    /// <summary>E[x²] of every channel, shape [features], float64, owned by the caller.</summary>
    public Tensor MeanSquares() => _squares.div(HeldScalar.Of((double)Math.Max(1, TokenCount)));

    /// <summary>The ranges for the record.</summary>
    public CalibratedActivation Summarize()
    {
        using Tensor meanSquares = MeanSquares();
        return new(
            TokenCount,
            Math.Sqrt(meanSquares.mean().item<double>()),
            _wholeRange.Range(),
            _percentile.Range(),
            MseObserver.Search(_histogram, new CodeGrid(_bits, GridKind.Affine)),
            EntropyObserver.Search(_histogram, _bits));
    }

    /// <inheritdoc/>
    public void Dispose() => _squares.Dispose();
}
