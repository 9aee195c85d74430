using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Adapters;

/// <summary>Finds the layers that a recipe names.</summary>
internal static class AdapterTargets
{
    /// <summary>Finds the layers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="targets">All linear layers but the output head, or names.</param>
    /// <returns>Layers in checkpoint order.</returns>
    /// <exception cref="InputException">Names are of no linear layer; all of them are told.</exception>
    public static IReadOnlyList<(string Name, QuantizedLinear Layer)> Of(LlamaModel model, LoraTargets targets)
    {
        List<(string Name, QuantizedLinear Layer)> linear =
            [.. model.QuantizableLayers.Where(entry => entry.Layer is QuantizedLinear).Select(entry => (entry.Name, (QuantizedLinear)entry.Layer))];
        if (targets is not LoraTargets.Named named)
            return [.. linear.Where(entry => !ReferenceEquals(entry.Layer, model.Head))];

        string[] unknown = [.. named.Names.Where(name => !linear.Any(entry => Matches(entry.Name, name)))];
        if (unknown.Length > 0)
        {
            string[] known = [.. linear.Select(entry => ShortName(entry.Name)).Distinct()];
            string found = string.Join(", ", unknown.Select(name => $"\"{name}\""));
            string fix = NearestName.Of(unknown[0], known) is { } nearest ? $"write \"{nearest}\", or remove it" : "remove it";
            throw new InputException($"lora.target_modules: found {found}, expected linear layers of the model, by their whole names or as {string.Join(", ", known)}; {fix}.");
        }

        return [.. linear.Where(entry => named.Names.Any(name => Matches(entry.Name, name)))];
    }

    /// <summary>Names that select these layers and no others: the last part of a name where it does, else the whole name.</summary>
    /// <param name="model">The model.</param>
    /// <param name="adapted">Names of the layers.</param>
    public static IReadOnlyList<string> NamesFor(LlamaModel model, IReadOnlyCollection<string> adapted)
    {
        HashSet<string> ambiguous = [.. model.QuantizableLayers.Select(entry => entry.Name).Except(adapted).Select(ShortName)];
        return [.. adapted.Select(name => ambiguous.Contains(ShortName(name)) ? name : ShortName(name)).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>The last part of a layer's name.</summary>
    /// <param name="layerName">As model.layers.0.self_attn.q_proj.</param>
    public static string ShortName(string layerName) => layerName[(layerName.LastIndexOf('.') + 1)..];

    private static bool Matches(string layerName, string target) =>
        layerName == target || layerName.EndsWith("." + target, StringComparison.Ordinal);
}
