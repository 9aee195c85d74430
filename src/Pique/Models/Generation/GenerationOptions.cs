namespace Pique.Models.Generation;

/// <summary>How to choose tokens and when to stop.</summary>
public sealed record GenerationOptions
{
    /// <summary>Most tokens to write after a prompt, at least 1.</summary>
    public int MaxTokens { get; init; } = 128;

    /// <summary>Divisor of the logits; 0 takes the likeliest token always.</summary>
    public double Temperature { get; init; }

    /// <summary>Samples from the smallest set of likeliest tokens whose probabilities reach this sum, above 0 and at most 1; 1 samples from all.</summary>
    /// <remarks>Nucleus sampling, Holtzman et al. 2019, arXiv:1904.09751, section 3.1.</remarks>
    public double TopP { get; init; } = 1;

    /// <summary>Equal seeds give equal texts. Row i of a batch draws from its own stream.</summary>
    public long Seed { get; init; }

    /// <summary>Tokens that end a sequence.</summary>
    public IReadOnlyList<int> StopIds { get; init; } = [];

    /// <summary>Throws where an option has no meaning.</summary>
    /// <exception cref="InputException">Names every fault at once.</exception>
    internal void ThrowIfInvalid()
    {
        List<string> faults = [];
        if (MaxTokens < 1)
            faults.Add($"the most tokens to write is {MaxTokens}, expected at least 1");
        if (!(Temperature >= 0) || !double.IsFinite(Temperature))
            faults.Add(FormattableString.Invariant($"the temperature is {Temperature}, expected 0 (the likeliest token) or a finite number above"));
        if (!(TopP > 0 && TopP <= 1))
            faults.Add(FormattableString.Invariant($"top-p is {TopP}, expected above 0 and at most 1 (all tokens)"));
        if (faults.Count > 0)
            throw new InputException($"Generation: {string.Join("; ", faults)}.");
    }
}
