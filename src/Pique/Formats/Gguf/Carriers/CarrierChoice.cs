using Pique.Quantization;

namespace Pique.Formats.Gguf.Carriers;

/// <summary>The types that hold quantized weights, and the choice among them. See docs/math.md §9.</summary>
internal static class CarrierChoice
{
    /// <summary>The types tried in turn: fewest bits a weight first, but Q2_K before the smaller Q2_0, which only runtimes from mid-2026 on can read.</summary>
    private static readonly Carrier[] ByPreference =
        [new Q2KCarrier(), new Q20Carrier(), new Q3KCarrier(), new Q40Carrier(), new Q4KCarrier(), new Q50Carrier(), new Q5KCarrier(), new Q80Carrier()];

    /// <summary>Types that hold a weight only by chance, used where they are asked for.</summary>
    private static readonly Carrier[] OnRequest = [new Q10Carrier(), new TQ10Carrier(), new TQ20Carrier()];

    /// <summary>Names of all types, for messages.</summary>
    public static string AllNames => string.Join(", ", ByPreference.Concat(OnRequest).Select(carrier => carrier.Type.Name()));

    /// <summary>The first type that holds a matrix exactly; null where none does.</summary>
    /// <param name="tensor">The matrix.</param>
    public static Carrier? For(QuantizedTensor tensor) => ByPreference.FirstOrDefault(carrier => CarrierEncoder.Holds(tensor, carrier));

    /// <summary>The carrier of a type; null where codes cannot be written as that type.</summary>
    /// <param name="type">The type.</param>
    public static Carrier? Of(GgufTensorType type) => ByPreference.Concat(OnRequest).FirstOrDefault(carrier => carrier.Type == type);
}
