namespace Pique.Evaluation;

/// <summary>Share of problems solved, with its 95 % Wilson score interval.</summary>
/// <param name="Correct">Problems solved.</param>
/// <param name="Total">Problems posed; at least 1.</param>
public sealed record AnswerAccuracy(int Correct, int Total)
{
    /// <summary>97.5th percentile of the standard normal distribution.</summary>
    private const double NormalQuantile = 1.959963984540054;

    /// <summary>Correct ÷ total.</summary>
    public double Accuracy => (double)Correct / Total;

    /// <summary>Lower and upper end of the 95 % interval (Wilson 1927).</summary>
    public (double Lower, double Upper) Interval
    {
        get
        {
            double squared = NormalQuantile * NormalQuantile;
            double center = (Accuracy + (squared / (2 * Total))) / (1 + (squared / Total));
            double margin = NormalQuantile / (1 + (squared / Total))
                * Math.Sqrt((Accuracy * (1 - Accuracy) / Total) + (squared / (4.0 * Total * Total)));
            return (Math.Max(0, center - margin), Math.Min(1, center + margin));
        }
    }
}
