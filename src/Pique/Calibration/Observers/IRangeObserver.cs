namespace Pique.Calibration;

/// <summary>Sees values as they stream by, in memory that does not grow with their number, and names the range to quantize them to.</summary>
/// <remarks>Values that are not finite are passed over: the findings of a calibration report them. The order of the values shows in no result.</remarks>
public interface IRangeObserver
{
    /// <summary>Adds values.</summary>
    /// <param name="values">Any number of values.</param>
    void Observe(ReadOnlySpan<float> values);

    /// <summary>The range of what was seen; 0 to 0 where that was nothing.</summary>
    ObservedRange Range();
}
