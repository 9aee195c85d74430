namespace Pique.Formats.Verification;

/// <summary>Names of parts that are no tensors.</summary>
internal static class VerificationParts
{
    /// <summary>All that stands ahead of the data of a file.</summary>
    public const string Header = "header";

    /// <summary>A file as a whole.</summary>
    public const string Content = "content";
}
