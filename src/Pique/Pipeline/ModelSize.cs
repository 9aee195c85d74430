using Pique.Formats;
using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Pipeline;

/// <summary>What a model's weights take on disk.</summary>
/// <param name="BitsPerWeight">Stored bits per parameter over the whole model, scales included.</param>
/// <param name="FileBytes">Bytes of the files that hold the weights.</param>
public sealed record ModelSize(double BitsPerWeight, long FileBytes)
{
    /// <summary>Size of a stored model: its files' bytes, and the bits those spend on each parameter.</summary>
    /// <param name="model">A model as loaded.</param>
    public static ModelSize Of(LoadedModel model)
    {
        long fileBytes = File.Exists(model.Path)
            ? new FileInfo(model.Path).Length
            : Directory.EnumerateFiles(model.Path, "*.safetensors").Sum(file => new FileInfo(file).Length);
        double parameters = model.Model.parameters().Sum(parameter => parameter.numel());
        return new ModelSize(8 * (model.Quantized.Count == 0 ? fileBytes : StoredBytes(model.Model, model.Quantized)) / parameters, fileBytes);
    }

    /// <summary>Bytes of the tensors of a packed model: codes, scales and zero points, and float32 for what is not quantized.</summary>
    private static double StoredBytes(LlamaModel model, IReadOnlyDictionary<string, QuantizedTensor> quantized)
    {
        double all = model.parameters().Sum(parameter => parameter.numel());
        return quantized.Values.Sum(tensor => tensor.StoredBytes) + (sizeof(float) * (all - quantized.Values.Sum(tensor => tensor.Rows * tensor.Columns)));
    }
}
