namespace Pique.Formats;

/// <summary>Arithmetic and text of tensor shapes.</summary>
internal static class Shapes
{
    /// <summary>A shape as text, for example "[64, 172]".</summary>
    /// <param name="shape">Sizes of the dimensions, outermost first.</param>
    public static string Format(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

    /// <summary>Number of elements. Overflow is raised, not wrapped.</summary>
    /// <param name="shape">Sizes of the dimensions, outermost first.</param>
    public static long ElementCount(IEnumerable<long> shape) => shape.Aggregate(1L, static (product, size) => checked(product * size));
}
