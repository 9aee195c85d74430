namespace Pique.Evaluation;

/// <summary>Share of problems solved, with its 95 % Wilson score interval.</summary>
public sealed record AnswerAccuracy
{
    /// <summary>97.5th percentile of the standard normal distribution.</summary>
    private const double NormalQuantile = 1.959963984540054;

    /// <summary>Counts a result.</summary>
    /// <param name="correct">Problems solved, 0 to <paramref name="total"/>.</param>
    /// <param name="total">Problems posed, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no problem, or fewer than were solved.</exception>
    public AnswerAccuracy(int correct, int total)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(total, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(correct);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(correct, total);
        (Correct, Total) = (correct, total);
    }

    /// <summary>Problems solved.</summary>
    public int Correct { get; }

    /// <summary>Problems posed.</summary>
    public int Total { get; }

    /// <summary>Correct ÷ total.</summary>
    public double Accuracy => (double)Correct / Total;

    /// <summary>Lower and upper end of the 95 % interval: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n), p the accuracy of n problems, z the quantile.</summary>
    /// <remarks>Wilson 1927, Probable inference, the law of succession, and statistical inference. JASA 22. Unlike p ± z·√(p(1−p)/n) it stays in [0, 1] and keeps a width at p = 0 and 1.</remarks>
    public (double Lower, double Upper) Interval
    {
        get
        {
            double total = Total;
            double squared = NormalQuantile * NormalQuantile;
            double center = Accuracy + (squared / (2 * total));
            double margin = NormalQuantile * Math.Sqrt((Accuracy * (1 - Accuracy) / total) + (squared / (4 * total * total)));
            double shrink = 1 + (squared / total);
            return (Math.Max(0, (center - margin) / shrink), Math.Min(1, (center + margin) / shrink));
        }
    }
}
