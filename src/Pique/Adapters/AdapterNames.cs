namespace Pique.Adapters;

/// <summary>Names of an adapter's tensors and files, as Hugging Face's PEFT has them.</summary>
internal static class AdapterNames
{
    /// <summary>What stands after a layer's name.</summary>
    public const string A = "lora_A.weight";

    /// <summary>What stands after a layer's name.</summary>
    public const string B = "lora_B.weight";

    /// <summary>What stands before a layer's name in a file.</summary>
    public const string FilePrefix = "base_model.model.";

    /// <summary>Rank, alpha and layers.</summary>
    public const string Config = "adapter_config.json";

    /// <summary>A and B of every layer.</summary>
    public const string Weights = "adapter_model.safetensors";

    /// <summary>What PEFT has no place for: which base the adapter belongs to.</summary>
    public const string Origin = "pique_adapter.json";

    /// <summary>What PEFT has no place for: scales, zero points and clip ratios of the quantizers around the adapters.</summary>
    public const string Quantizers = "pique_quantizers.safetensors";

    /// <summary>Whether a file of this name belongs to an adapter's folder.</summary>
    /// <param name="fileName">Name without folder.</param>
    public static bool IsWritten(string fileName) => fileName is Config or Weights or Origin or Quantizers;
}
