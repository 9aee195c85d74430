namespace Pique.Pipeline;

/// <summary>How the loss answers to a rising learning rate.</summary>
/// <param name="Points">The steps in order, up to the one at which the loss had clearly diverged.</param>
public sealed record LearningRateRange(IReadOnlyList<LearningRatePoint> Points)
{
    /// <summary>Steps before the running mean of the loss says anything.</summary>
    private const int SettlingSteps = 5;

    /// <summary>How far below the rate of the lowest loss to stay: by then the loss has long been falling in spite of the rate.</summary>
    private const double Caution = 10;

    private IEnumerable<LearningRatePoint> Settled => Points.Skip(Math.Min(SettlingSteps, Points.Count - 1));

    /// <summary>Rate at which the smoothed loss is lowest.</summary>
    public double LowestLossRate => Settled.MinBy(point => point.SmoothedLoss)!.LearningRate;

    /// <summary>Rate at which the smoothed loss falls fastest for a given change of the rate's logarithm; null where it never falls.</summary>
    public double? SteepestRate
    {
        get
        {
            LearningRatePoint[] settled = [.. Settled];
            (LearningRatePoint Point, double Slope)[] slopes =
            [
                .. settled.Zip(settled.Skip(1), (left, right) =>
                    (left, (right.SmoothedLoss - left.SmoothedLoss) / Math.Log(right.LearningRate / left.LearningRate))),
            ];
            return slopes.Length == 0 || slopes.Min(entry => entry.Slope) >= 0 ? null : slopes.MinBy(entry => entry.Slope).Point.LearningRate;
        }
    }

    /// <summary>A rule of thumb, not an optimum: a tenth of the rate at which the smoothed loss is lowest.</summary>
    public double SuggestedRate => LowestLossRate / Caution;
}
