namespace Pique.Formats;

/// <summary>A checkpoint's weights by their Hugging Face names: shapes at once, values on demand as float32.</summary>
public interface IWeightSource : IDisposable
{
    /// <summary>The file or folder, for messages.</summary>
    string Path { get; }

    /// <summary>Shape of every weight by its name, for example "model.layers.0.self_attn.q_proj.weight".</summary>
    IReadOnlyDictionary<string, IReadOnlyList<long>> Shapes { get; }

    /// <summary>Reads elements of a weight.</summary>
    /// <param name="name">Name of the weight; one of <see cref="Shapes"/>.</param>
    /// <param name="firstElement">Index of the first element to read, in row-major order.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="InputException">The file is cut short or unreadable.</exception>
    void Read(string name, long firstElement, Span<float> destination);
}
