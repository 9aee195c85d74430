using System.Text.Json;
using Pique.Models.Families;
using Pique.Models.Llama;

namespace Pique.Formats.HuggingFace;

/// <summary>The window of attention in config.json: "sliding_window", in some families with the switch "use_sliding_window" and the first layer it limits, "max_window_layers" or "layer_types".</summary>
/// <remarks>What is absent takes the defaults of transformers, where an absent key and null are not the same.</remarks>
internal static class AttentionWindowJson
{
    private const string WindowKey = "sliding_window";
    private const string SwitchKey = "use_sliding_window";
    private const string FirstLayerKey = "max_window_layers";
    private const string LayerTypesKey = "layer_types";
    private const string FullAttention = "full_attention";
    private const string WindowedAttention = "sliding_attention";

    private const int DefaultWindow = 4096;
    private const int DefaultFirstLayer = 28;

    /// <summary>Reads the window and the first layer it limits; null and 0 where it limits none.</summary>
    /// <param name="fields">The whole of config.json; takes the faults.</param>
    /// <param name="family">Says when a window counts.</param>
    /// <param name="layerCount">Layers of the model.</param>
    public static (int? Window, int FirstLayer) Read(JsonFields fields, ModelFamily family, int layerCount)
    {
        int? window = ReadWindow(fields, family);
        IReadOnlyList<string>? layerTypes = ReadLayerTypes(fields, window, layerCount);
        if (window is null || family.SlidingWindow == SlidingWindowRule.WhereGiven)
            return (window, 0);

        int first = layerTypes is null
            ? fields.Has(FirstLayerKey) ? fields.Count(FirstLayerKey, least: 0) : DefaultFirstLayer
            : layerTypes.TakeWhile(type => type == FullAttention).Count();
        if (layerTypes?.Skip(first).Contains(FullAttention) == true)
            fields.Fault(LayerTypesKey, fields.Shown(LayerTypesKey), $"every \"{FullAttention}\" before the first \"{WindowedAttention}\"", "Pique knows no other order of layers; choose another checkpoint");
        return first < layerCount ? (window, first) : (null, 0);
    }

    /// <summary>Writes "max_window_layers" where the family has it.</summary>
    /// <param name="json">Writer inside the object.</param>
    /// <param name="config">Shape of the model.</param>
    public static void WriteFirstLayer(Utf8JsonWriter json, LlamaConfig config)
    {
        if (config.Family.SlidingWindow == SlidingWindowRule.WhereSwitchedOn)
            json.WriteNumber(FirstLayerKey, config.SlidingWindow is null ? config.LayerCount : config.FirstWindowedLayer);
    }

    /// <summary>Writes "sliding_window" where the family has it.</summary>
    /// <param name="json">Writer inside the object.</param>
    /// <param name="config">Shape of the model.</param>
    public static void WriteWindow(Utf8JsonWriter json, LlamaConfig config)
    {
        if (config.Family.SlidingWindow == SlidingWindowRule.Never)
            return;
        if (config.SlidingWindow is { } window)
            json.WriteNumber(WindowKey, window);
        else
            json.WriteNull(WindowKey);
    }

    /// <summary>Writes "use_sliding_window" where the family has it.</summary>
    /// <param name="json">Writer inside the object.</param>
    /// <param name="config">Shape of the model.</param>
    public static void WriteSwitch(Utf8JsonWriter json, LlamaConfig config)
    {
        if (config.Family.SlidingWindow == SlidingWindowRule.WhereSwitchedOn)
            json.WriteBoolean(SwitchKey, config.SlidingWindow is not null);
    }

    private static int? ReadWindow(JsonFields fields, ModelFamily family)
    {
        bool counts = family.SlidingWindow switch
        {
            SlidingWindowRule.WhereGiven => true,
            SlidingWindowRule.WhereSwitchedOn => fields.Flag(SwitchKey, false),
            _ => false,
        };
        if (!counts)
            return null;
        return fields.Has(WindowKey) ? fields.Count(WindowKey) : fields.IsNamed(WindowKey) ? null : DefaultWindow;
    }

    /// <summary>The kind of attention of each layer, where config.json lists it and the list is possible.</summary>
    private static IReadOnlyList<string>? ReadLayerTypes(JsonFields fields, int? window, int layerCount)
    {
        if (fields.Texts(LayerTypesKey) is not { } types)
            return null;
        string[] known = window is null ? [FullAttention] : [FullAttention, WindowedAttention];
        if (types.FirstOrDefault(type => !known.Contains(type)) is { } unknown)
        {
            string expected = $"{string.Join(" or ", known.Select(type => $"\"{type}\""))}{(unknown == WindowedAttention ? ", since no window is on" : "")}";
            fields.Fault(LayerTypesKey, $"\"{JsonFields.Shorten(unknown)}\"", expected, "Pique computes no other attention; choose another checkpoint");
            return null;
        }

        if (types.Count == layerCount)
            return types;
        fields.Fault(LayerTypesKey, $"{types.Count} entries", $"one for each of num_hidden_layers {layerCount}");
        return null;
    }
}
