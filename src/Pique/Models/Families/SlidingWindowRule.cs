namespace Pique.Models.Families;

/// <summary>When the "sliding_window" of a configuration limits how far back a token attends.</summary>
public enum SlidingWindowRule
{
    /// <summary>The family has no window.</summary>
    Never,

    /// <summary>Wherever it is given.</summary>
    WhereGiven,

    /// <summary>Where "use_sliding_window" is true as well.</summary>
    WhereSwitchedOn,
}
