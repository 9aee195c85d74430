using Pique.Configuration;
using Pique.Quantization;

namespace Pique.Adapters;

/// <summary>Finds the rank of adapters.</summary>
internal static class AdapterRank
{
    /// <summary>Finds the rank. No matrix has a rank above its smaller side, so no adapter may.</summary>
    /// <param name="asked">What the recipe asks for.</param>
    /// <param name="layers">The layers to be adapted.</param>
    /// <returns>The rank.</returns>
    /// <exception cref="InputException">A weight is too small for it.</exception>
    public static int Of(LoraRank asked, IReadOnlyList<(string Name, QuantizedLinear Layer)> layers)
    {
        (string name, long[] shape) = layers.Select(entry => (entry.Name, entry.Layer.Weight.shape)).MinBy(entry => entry.shape.Min());
        long most = shape.Min();
        int rank = asked is LoraRank.Fixed given ? given.Value : LoraRank.Auto.Candidates.FirstOrDefault(candidate => candidate <= most, LoraRank.Auto.Candidates[^1]);
        if (rank <= most)
            return rank;
        string found = asked is LoraRank.Fixed ? $"{rank}" : $"\"auto\", which is {rank} at the least";
        throw new InputException($"lora.rank: found {found}, expected at most {most}, the smaller side of {name} [{string.Join(", ", shape)}]; set it to {most} or less, or leave that layer out of lora.target_modules.");
    }
}
