using System.Globalization;
using Pique.Configuration;

namespace Pique.Calibration;

/// <summary>An average of bits that is divided over the layers of one override.</summary>
/// <param name="Pattern">Pattern of the override.</param>
/// <param name="Bits">The average.</param>
public readonly record struct BitAverage(string Pattern, float Bits)
{
    /// <summary>The average of an override; null where it states one number or none.</summary>
    /// <param name="departure">The override; null for none.</param>
    public static BitAverage? Of(LayerOverride? departure) => departure is { AverageBits: { } bits } ? new(departure.Pattern, bits) : null;

    /// <summary>The average as recipes write it.</summary>
    /// <returns>"auto:2.5" over "*mlp*".</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"\"auto:{Bits}\" over \"{Pattern}\"");
}
