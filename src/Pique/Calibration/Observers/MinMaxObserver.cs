namespace Pique.Calibration;

/// <summary>The range from the lowest to the highest value. Exact.</summary>
public sealed class MinMaxObserver : IRangeObserver
{
    private float _lowest = float.PositiveInfinity;
    private float _highest = float.NegativeInfinity;

    /// <inheritdoc/>
    public void Observe(ReadOnlySpan<float> values)
    {
        (float lowest, float highest) = (_lowest, _highest);
        foreach (float value in values)
        {
            if (float.IsFinite(value))
                (lowest, highest) = (MathF.Min(lowest, value), MathF.Max(highest, value));
        }

        (_lowest, _highest) = (lowest, highest);
    }

    /// <inheritdoc/>
    public ObservedRange Range() => _lowest > _highest ? default : new(_lowest, _highest);
}
