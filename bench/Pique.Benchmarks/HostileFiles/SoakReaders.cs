using System.Runtime.CompilerServices;
using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Formats.HuggingFace;
using Pique.Formats.Llama2C;
using Pique.Formats.Safetensors;
using Pique.Formats.Tokenizers;
using Pique.Models.Llama;
using Pique.Pipeline;
using Pique.Quantization;
using Pique.Training;

namespace Pique.Benchmarks.HostileFiles;

/// <summary>Reads files whole, every way the library does, and verifies them.</summary>
internal static class SoakReaders
{
    private const string Sample = "The cat's 12 hats — größe\n🙂 <s> ▁";

    /// <summary>All keys and all tensors of a GGUF file.</summary>
    public static void Gguf(string path)
    {
        ModelVerifier.Verify(path);
        using GgufFile file = GgufFile.Open(path);
        foreach ((string _, GgufValue value) in file.Metadata)
            Touch(value);
        foreach (GgufTensor tensor in file.Tensors)
        {
            file.ReadFloat32(tensor.Name, 0, new float[tensor.ElementCount]);
            file.ReadFloat32(tensor.Name, tensor.ElementCount / 2, new float[1]);
            file.ReadBytes(tensor.Name, 0, new byte[tensor.ByteCount]);
        }
    }

    /// <summary>The model in a GGUF file.</summary>
    public static void GgufModel(string path)
    {
        Gguf(path);
        using GgufFile file = GgufFile.Open(path);
        LlamaConfig config = GgufArchitecture.Read(file);
        using GgufWeights weights = new(file, config);
        LlamaWeightLoader.Load(weights, config).Dispose();
    }

    /// <summary>All tensors of a safetensors file.</summary>
    public static void Safetensors(string path)
    {
        ModelVerifier.Verify(path);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach (SafetensorsTensor tensor in file.Tensors)
        {
            file.ReadBytes(tensor.Name);
            if (tensor.Dtype.IsWeightDtype())
                file.ReadFloat32(tensor.Name);
        }
    }

    /// <summary>All weights of a file of quantized tensors.</summary>
    public static void Quantized(string path)
    {
        Safetensors(path);
        foreach (QuantizedTensor tensor in QuantizedTensorFile.Load(path).Values)
            tensor.DequantizeToArray();
    }

    /// <summary>A model folder with its tokenizer.</summary>
    public static void Model(string folder)
    {
        ModelVerifier.Verify(folder);
        using LoadedModel model = ModelLoader.Load(folder);
        Encode(model.Tokenizer);
    }

    /// <summary>All weights of a llama2.c file.</summary>
    public static void Llama2C(string path)
    {
        using Llama2CFile file = Llama2CFile.Open(path);
        LlamaWeightLoader.Load(file, file.Config).Dispose();
    }

    /// <summary>A vocabulary, and a text there and back.</summary>
    public static void Tokenizer(string path) => Encode(TokenizerLoader.Load(path).Tokenizer);

    /// <summary>A checkpoint against its manifest.</summary>
    public static void Checkpoint(string folder)
    {
        ModelVerifier.Verify(folder);
        CheckpointStore.Fault(folder);
    }

    private static void Encode(ITextTokenizer tokenizer)
    {
        tokenizer.Decode(tokenizer.Encode(Sample));
        tokenizer.Decode(tokenizer.Encode(Sample, continuation: true), continuation: true);
    }

    /// <summary>Reads a value as whatever it is.</summary>
    [MethodImpl(MethodImplOptions.NoOptimization)]
    private static void Touch(GgufValue value)
    {
        _ = (value.Describe(), value.Count, value.Text, value.Flag, value.Integer, value.Float, value.Texts, value.Floats, value.Integers, value.Flags);
        foreach (GgufValue inner in value.Arrays ?? [])
            Touch(inner);
    }
}
