namespace Pique.Formats.Verification;

/// <summary>What verification found of one part of a file or folder.</summary>
/// <param name="File">The file, relative to the path that was verified; the file's name where that is a file.</param>
/// <param name="Name">The part: name of a tensor, "header", or what else the detail is about.</param>
/// <param name="Status">The finding.</param>
/// <param name="Detail">The finding in words.</param>
public sealed record VerificationItem(string File, string Name, VerificationStatus Status, string Detail)
{
    /// <summary>Whether something is wrong.</summary>
    public bool IsBad => Status is VerificationStatus.NotFinite or VerificationStatus.Corrupt;

    /// <summary>Makes an item of a refusal, whose text names the file once more.</summary>
    internal static VerificationItem Refused(string file, string name, string path, InputException refusal) =>
        new(file, name, VerificationStatus.Corrupt, refusal.Message.StartsWith($"{path}: ", StringComparison.Ordinal) ? refusal.Message[(path.Length + 2)..] : refusal.Message);
}
