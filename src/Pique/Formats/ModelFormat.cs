namespace Pique.Formats;

/// <summary>How a model that was loaded is stored.</summary>
public enum ModelFormat
{
    /// <summary>A Hugging Face folder in full precision.</summary>
    HuggingFace,

    /// <summary>A Hugging Face folder that Pique wrote with packed quantized weights.</summary>
    Packed,

    /// <summary>A legacy llama2.c file.</summary>
    Llama2C,

    /// <summary>A GGUF file.</summary>
    Gguf,
}
