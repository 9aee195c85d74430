namespace Pique.Tests.Formats.Hostile;

/// <summary>The public entries that hostile files are handed to.</summary>
internal enum HostileEntry
{
    /// <summary>GgufFile.Open.</summary>
    Gguf,

    /// <summary>SafetensorsFile.Open.</summary>
    Safetensors,

    /// <summary>HuggingFaceWeights.Open.</summary>
    Weights,

    /// <summary>ModelLoader.Load.</summary>
    Model,
}
