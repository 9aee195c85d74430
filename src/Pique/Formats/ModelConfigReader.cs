using Pique.Formats.HuggingFace;
using Pique.Formats.Llama2C;
using Pique.Models.Llama;

namespace Pique.Formats;

/// <summary>Reads the shape of a model without its weights.</summary>
public static class ModelConfigReader
{
    /// <summary>Reads the shape.</summary>
    /// <param name="path">A Hugging Face folder or a llama2.c file.</param>
    /// <returns>The shape; null where the path is neither.</returns>
    /// <exception cref="InputException">The model's configuration is wrong.</exception>
    public static LlamaConfig? TryRead(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string configPath = Path.Combine(path, HuggingFaceNames.Config);
        if (File.Exists(configPath))
            return LlamaConfigJson.Read(configPath);
        if (!File.Exists(path) || !string.Equals(Path.GetExtension(path), ".bin", StringComparison.OrdinalIgnoreCase))
            return null;

        using Llama2CFile file = Llama2CFile.Open(path);
        return file.Config;
    }
}
