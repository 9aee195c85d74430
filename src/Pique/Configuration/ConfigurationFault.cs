namespace Pique.Configuration;

/// <summary>One thing wrong with a configuration.</summary>
/// <param name="Path">Where, as a JSON path: <c>loss_weights.lambda_kd</c>, <c>overrides[1].bits</c>; <c>$</c> for the document itself.</param>
/// <param name="Found">What stands there.</param>
/// <param name="Expected">What may stand there.</param>
/// <param name="Fix">What to do.</param>
public sealed record ConfigurationFault(string Path, string Found, string Expected, string Fix)
{
    /// <summary>The fault as one line.</summary>
    /// <returns>Path, found, expected and fix.</returns>
    public override string ToString() => $"{Path}: found {Found}, expected {Expected}; {Fix}.";
}
