namespace Pique.Configuration;

/// <summary>Layers that get an adapter. A closed choice.</summary>
public abstract record LoraTargets
{
    private LoraTargets()
    {
    }

    /// <summary>Every linear layer but the output head.</summary>
    public sealed record AllLinear : LoraTargets
    {
        /// <summary>How it is written.</summary>
        public const string Text = "all-linear";
    }

    /// <summary>The linear layers whose name is, or ends in a dot and, one of these.</summary>
    /// <param name="Names">Names such as "q_proj" or "model.layers.0.mlp.down_proj"; at least one.</param>
    public sealed record Named(IReadOnlyList<string> Names) : LoraTargets;
}
