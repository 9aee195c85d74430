namespace Pique.Models.Rotation;

/// <summary>What a rotation did to one layer.</summary>
/// <param name="Name">Name of the layer in the rotated model.</param>
/// <param name="Before">μ of the original weight.</param>
/// <param name="After">μ of the rotated weight; smaller is easier to round.</param>
public sealed record LayerIncoherence(string Name, double Before, double After);
