using System.Globalization;
using Pique.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Looks at the inputs of one layer for what spoils statistics, and names the record it comes from: values that are no numbers, extreme outliers, inputs that never change.</summary>
public sealed class ActivationCheck
{
    /// <summary>A record's largest input is extreme where it exceeds this many times that of the median record.</summary>
    public const double OutlierFactor = 100;

    /// <summary>Fewer records than this have no median to speak of.</summary>
    private const int LeastRecords = 8;

    private readonly string _layerName;
    private readonly List<(string Origin, float Largest)> _records = [];
    private readonly List<CalibrationFinding> _findings = [];
    private long _tokens;
    private long _constantTokens;

    /// <summary>Starts with nothing.</summary>
    /// <param name="layerName">Name of the layer, for messages.</param>
    public ActivationCheck(string layerName) => _layerName = layerName;

    /// <summary>Looks at the inputs of one batch.</summary>
    /// <param name="inputs">Shape [rows, tokens, features], float32.</param>
    /// <param name="records">Where the records of the batch lie.</param>
    public void Add(Tensor inputs, IReadOnlyList<RecordPlace> records)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor readable = inputs.detach().cpu();
        long width = readable.shape[1];
        float[] largest = readable.abs().amax(-1).contiguous().data<float>().ToArray(); // NaN wins a maximum.
        bool isSteady = true;
        foreach (RecordPlace record in records)
        {
            int first = checked((int)((record.Row * width) + record.Start));
            float most = 0;
            foreach (float magnitude in largest.AsSpan(first, record.Length))
            {
                if (!float.IsFinite(magnitude))
                {
                    Report(readable, record);
                    break;
                }

                most = MathF.Max(most, magnitude);
            }

            _records.Add((record.Origin, most));
            isSteady = isSteady && IsConstant(readable[record.Row].narrow(0, record.Start, record.Length), readable[records[0].Row].narrow(0, records[0].Start, 1));
        }

        long tokens = records.Sum(record => (long)record.Length);
        _tokens += tokens;
        _constantTokens += isSteady && tokens > 1 ? tokens : 0;
    }

    /// <summary>What was found.</summary>
    public IReadOnlyList<CalibrationFinding> Findings()
    {
        List<CalibrationFinding> findings = [.. _findings];
        if (_tokens > 0 && _constantTokens == _tokens)
        {
            findings.Add(new(
                Text($"{_layerName}: its input is the same for all {_tokens} tokens of the calibration samples, expected it to vary; the samples or the weights before this layer are constant. Choose other data, or take the model from its source again."),
                IsFatal: true));
        }
        else if (_constantTokens > 0)
        {
            findings.Add(new(
                Text($"{_layerName}: its input is the same throughout some batches ({_constantTokens} of {_tokens} tokens); statistics lean towards them. Remove records that repeat themselves."),
                IsFatal: false));
        }

        if (_records.Count >= LeastRecords)
            AddOutliers(findings);
        return findings;
    }

    private void AddOutliers(List<CalibrationFinding> findings)
    {
        float[] sorted = [.. _records.Select(record => record.Largest).Order()];
        float median = sorted[sorted.Length / 2];
        double limit = OutlierFactor * median;
        if (!(median > 0) || sorted[^1] <= limit)
            return;
        (string origin, float most) = _records.MaxBy(record => record.Largest);
        int extreme = sorted.Count(largest => largest > limit);
        findings.Add(new(
            Text($"{origin}: the record's largest input of {_layerName} is {most:G4}, {most / median:F0} times the {median:G4} of the median record{(extreme > 1 ? Text($" ({extreme} such records)") : "")}; ranges and squared errors follow it. Remove the record, or calibrate by percentile."),
            IsFatal: false));
    }

    private void Report(Tensor inputs, RecordPlace record)
    {
        if (_findings.Count > 0)
            return;
        Tensor own = inputs[record.Row].narrow(0, record.Start, record.Length);
        long bad = own.isfinite().logical_not().sum().item<long>();
        _findings.Add(new(
            Text($"{record.Origin}: {bad} of the {own.numel()} inputs that the record gives {_layerName} are not finite, expected numbers; the record or the weights before this layer are damaged. Remove the record, or take the model from its source again."),
            IsFatal: true));
    }

    private static bool IsConstant(Tensor inputs, Tensor first) => inputs.eq(first).all().item<bool>();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
