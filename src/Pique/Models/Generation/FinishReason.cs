namespace Pique.Models.Generation;

/// <summary>Why a generated sequence ended.</summary>
public enum FinishReason
{
    /// <summary>The model gave a stop token, which is not part of the sequence.</summary>
    StopToken,

    /// <summary>The sequence has as many tokens as were asked for.</summary>
    MaxTokens,

    /// <summary>Prompt and sequence fill the model's context.</summary>
    ContextFull,
}
