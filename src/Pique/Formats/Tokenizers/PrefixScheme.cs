namespace Pique.Formats.Tokenizers;

/// <summary>Where a <c>Metaspace</c> pre-tokenizer puts a missing leading space.</summary>
internal enum PrefixScheme
{
    /// <summary>Before every stretch of text, those after a special token included.</summary>
    Always,

    /// <summary>Only before the first.</summary>
    First,

    /// <summary>Nowhere.</summary>
    Never,
}
