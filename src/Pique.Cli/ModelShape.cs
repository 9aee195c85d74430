using Pique.Formats;
using Pique.Models.Llama;

namespace Pique.Cli;

/// <summary>Reads the shape of a model without its weights.</summary>
internal static class ModelShape
{
    /// <summary>Reads the shape.</summary>
    /// <param name="path">A Hugging Face folder or a llama2.c file.</param>
    /// <exception cref="InputException">There is no such model, or its configuration is wrong.</exception>
    public static LlamaConfig Read(string path)
    {
        if (ModelConfigReader.TryRead(path) is { } config)
        {
            return config;
        }

        // Anything else is no model: the loader says why.
        using LoadedModel model = ModelLoader.Load(path);
        return model.Model.Config;
    }
}
