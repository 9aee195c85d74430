namespace Pique.Formats.Verification;

/// <summary>What verification found of a part.</summary>
public enum VerificationStatus
{
    /// <summary>The bytes are those that were written.</summary>
    Ok,

    /// <summary>Nothing is wrong as far as can be told: no digest says what was written.</summary>
    NoDigest,

    /// <summary>The bytes may be those that were written, but they hold values that are not finite.</summary>
    NotFinite,

    /// <summary>The bytes are not those that were written, or contradict other parts.</summary>
    Corrupt,
}
