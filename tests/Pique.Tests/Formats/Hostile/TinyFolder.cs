using System.Text;

namespace Pique.Tests.Formats.Hostile;

/// <summary>A Hugging Face folder of a few kilobytes, made without the library's writers: a Llama of one layer and a vocabulary of three tokens.</summary>
internal static class TinyFolder
{
    public const string Config = """
        {"model_type":"llama","vocab_size":8,"hidden_size":4,"intermediate_size":6,"num_hidden_layers":1,"num_attention_heads":2,"num_key_value_heads":1,"max_position_embeddings":16,"rms_norm_eps":1e-5,"tie_word_embeddings":true}
        """;

    public const string Tokenizer = """
        {"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}
        """;

    private const string PackedLayer = "model.layers.0.mlp.up_proj";

    private static readonly (string Name, long[] Shape)[] Tensors =
    [
        ("model.embed_tokens.weight", [8, 4]),
        ("model.layers.0.input_layernorm.weight", [4]),
        ("model.layers.0.mlp.down_proj.weight", [4, 6]),
        ("model.layers.0.mlp.gate_proj.weight", [6, 4]),
        ("model.layers.0.mlp.up_proj.weight", [6, 4]),
        ("model.layers.0.post_attention_layernorm.weight", [4]),
        ("model.layers.0.self_attn.k_proj.weight", [2, 4]),
        ("model.layers.0.self_attn.o_proj.weight", [4, 4]),
        ("model.layers.0.self_attn.q_proj.weight", [4, 4]),
        ("model.layers.0.self_attn.v_proj.weight", [2, 4]),
        ("model.norm.weight", [4]),
    ];

    /// <summary>The configuration with another value for one of its numbers.</summary>
    public static string WithSetting(string key, string value)
    {
        int begin = Config.IndexOf($"\"{key}\":", StringComparison.Ordinal) + key.Length + 3;
        return string.Concat(Config.AsSpan(0, begin), value, Config.AsSpan(Config.IndexOfAny([',', '}'], begin)));
    }

    /// <summary>The folder in float32.</summary>
    /// <param name="value">Third gain of the last norm.</param>
    /// <param name="change">Changes names and shapes.</param>
    public static Dictionary<string, byte[]> Files(float value = 1, Action<Dictionary<string, long[]>>? change = null)
    {
        Dictionary<string, long[]> shapes = Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
        change?.Invoke(shapes);
        return Folder(Config, shapes.Select(tensor => (tensor.Key, "F32", tensor.Value, Floats(tensor.Key, Count(tensor.Value), value))));
    }

    /// <summary>The folder with one layer packed in 4 bits.</summary>
    /// <param name="layer">JSON fields of the layer.</param>
    /// <param name="change">Changes the JSON of the quantization.</param>
    /// <param name="scale">Scale of the third row.</param>
    /// <param name="keepUnpacked">Whether the layer is there in float32 too.</param>
    public static Dictionary<string, byte[]> Packed(string layer, Func<string, string> change, Half scale, bool keepUnpacked)
    {
        string quantization = change("{\"quant_method\":\"pique\",\"format_version\":1,\"layers\":{\"" + PackedLayer + "\":{" + layer + "}}}");
        Half[] scales = [.. Enumerable.Repeat((Half)0.25f, 6)];
        scales[2] = scale;
        IEnumerable<(string, string, long[], byte[])> tensors = Tensors
            .Where(tensor => keepUnpacked || tensor.Name != PackedLayer + ".weight")
            .Select(tensor => (tensor.Name, "F32", tensor.Shape, Floats(tensor.Name, Count(tensor.Shape), 1)));
        return Folder(Config.Trim()[..^1] + $",\"quantization_config\":{quantization}}}", tensors.Concat(
        [
            (PackedLayer + ".weight.codes", "U8", [6, 2], [.. Enumerable.Range(0, 12).Select(code => (byte)(17 * code))]),
            (PackedLayer + ".weight.scales", "F16", [6, 1], [.. scales.SelectMany(BitConverter.GetBytes)]),
        ]));
    }

    private static Dictionary<string, byte[]> Folder(string config, IEnumerable<(string Name, string Dtype, long[] Shape, byte[] Content)> tensors)
    {
        StringBuilder header = new("{");
        List<byte> content = [];
        foreach ((string name, string dtype, long[] shape, byte[] bytes) in tensors)
        {
            header.Append(header.Length > 1 ? "," : "").Append($$"""
                "{{name}}":{"dtype":"{{dtype}}","shape":[{{string.Join(',', shape)}}],"data_offsets":[{{content.Count}},{{content.Count + bytes.Length}}]}
                """);
            content.AddRange(bytes);
        }

        byte[] json = Encoding.UTF8.GetBytes(header.Append('}').ToString());
        return new Dictionary<string, byte[]>
        {
            ["config.json"] = Encoding.UTF8.GetBytes(config),
            ["model.safetensors"] = [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. content],
            ["tokenizer.json"] = Encoding.UTF8.GetBytes(Tokenizer),
        };
    }

    /// <summary>Multiples of 1/8 that differ from tensor to tensor.</summary>
    private static byte[] Floats(string name, long count, float value)
    {
        float[] floats = [.. Enumerable.Range(0, (int)count).Select(index => (((index * 5) + name.Length) % 17 / 8f) - 1)];
        if (name == "model.norm.weight")
            floats[2] = value;
        return [.. floats.SelectMany(BitConverter.GetBytes)];
    }

    private static long Count(long[] shape) => shape.Aggregate(1L, (product, size) => product * size);
}
