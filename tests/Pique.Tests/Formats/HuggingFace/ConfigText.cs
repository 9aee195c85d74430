using Pique.Configuration;
using Pique.Formats.HuggingFace;
using Pique.Models.Llama;

namespace Pique.Tests.Formats.HuggingFace;

/// <summary>A small config.json that is good, to be changed in one place.</summary>
internal static class ConfigText
{
    /// <summary>A configuration of a family with further keys.</summary>
    public static string Of(string modelType, string extra = "") => $$"""
        {"model_type":"{{modelType}}","vocab_size":24,"hidden_size":16,"intermediate_size":20,"num_hidden_layers":3,
        "num_attention_heads":4,"num_key_value_heads":2,"head_dim":4,"max_position_embeddings":12{{(extra.Length == 0 ? "" : ",")}}{{extra}}}
        """;

    /// <summary>Reads a configuration from a folder of its own.</summary>
    public static LlamaConfig Read(string json)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"), json);
        return LlamaConfigJson.Read(folder.File("config.json"));
    }

    /// <summary>Everything wrong with a configuration.</summary>
    public static string[] Faults(string json) => [.. Assert.Throws<ConfigurationException>(() => Read(json)).Faults.Select(fault => fault.ToString())];
}
