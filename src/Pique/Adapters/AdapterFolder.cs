using Pique.Formats;
using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Adapters;

/// <summary>Saves adapters in the layout of Hugging Face's PEFT, with the quantizers around them and the digest of their base in files beside it, and loads them again.</summary>
public static class AdapterFolder
{
    private static readonly IReadOnlyDictionary<string, string> Metadata = new Dictionary<string, string> { ["format"] = "pt" };

    /// <summary>Writes a folder, whole or not at all.</summary>
    /// <param name="folder">Folder to write; replaced where it holds an older adapter.</param>
    /// <param name="adapter">The adapters and their model, quantizers in place where it has any.</param>
    /// <param name="baseModel">Path or name of the base, for the record.</param>
    /// <param name="dropout">Share of rank components left out of a training step, for the record.</param>
    /// <param name="rotationSeed">Seed of the rotation folded into the base; null where it is not rotated.</param>
    /// <exception cref="InputException">The folder cannot be written to or holds other files.</exception>
    /// <exception cref="RunFailedException">A value is not finite, or writing failed.</exception>
    public static void Save(string folder, AdaptedModel adapter, string baseModel, float dropout = 0, long? rotationSeed = null)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(baseModel);
        AtomicFolder.Write(folder, AdapterNames.IsWritten, partial =>
        {
            AdapterConfigJson.Write(Path.Combine(partial, AdapterNames.Config), adapter, baseModel, dropout);
            Write(Path.Combine(partial, AdapterNames.Weights), adapter.Adapters.SelectMany(entry => new[]
            {
                ($"{AdapterNames.FilePrefix}{entry.Name}.{AdapterNames.A}", (Tensor)entry.Adapter.A),
                ($"{AdapterNames.FilePrefix}{entry.Name}.{AdapterNames.B}", entry.Adapter.B),
            }));
            Write(Path.Combine(partial, AdapterNames.Quantizers), QuantizerTensors(adapter.Model));
            new AdapterOrigin(ModelDigest.Compute(adapter.Model), rotationSeed).Save(Path.Combine(partial, AdapterNames.Origin));
        });
    }

    /// <summary>Gives a model the adapters of a folder, written by Pique or by PEFT. Quantizers are prepared and restored afterwards, see <see cref="RestoreQuantizers"/>.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">A model whose matrices are frozen, held as they were in training.</param>
    /// <returns>The model with its adapters; disposing it takes them away again and leaves the model.</returns>
    /// <exception cref="InputException">A file is missing or damaged, describes something else, does not fit the model, or was trained on another base.</exception>
    public static AdaptedModel Load(string folder, LlamaModel model)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(model);
        (int rank, float alpha) = AdapterConfigJson.Read(Path.Combine(folder, AdapterNames.Config));
        if (AdapterOrigin.Load(Path.Combine(folder, AdapterNames.Origin)) is { } origin && ModelDigest.Compute(model) is { } found && found != origin.BaseDigest)
            throw new InputException($"{folder}: the adapter was trained on a base of SHA-256 {origin.BaseDigest}, this one has {found}; load the model it was trained on, held in the same storage{(origin.RotationSeed is { } seed ? $" and rotated with seed {seed}" : "")}.");

        return new(model, rank, alpha, AdapterTensors.Read(Path.Combine(folder, AdapterNames.Weights), model, rank, alpha));
    }

    /// <summary>Gives a prepared model the scales, zero points and clip ratios of a folder, so that it computes and merges to what the saved model did.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">The model, prepared with the recipe the adapter was trained by.</param>
    /// <exception cref="InputException">A file is missing or damaged, or was saved with other quantizers.</exception>
    public static void RestoreQuantizers(string folder, LlamaModel model)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(model);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, AdapterNames.Quantizers));
        List<(string Name, Tensor Value)> tensors = [.. QuantizerTensors(model)];
        foreach ((string name, Tensor value) in tensors)
        {
            if (!file[name].Shape.SequenceEqual(value.shape))
                throw new InputException($"{file.Path}: tensor \"{name}\" is {Shapes.Format(file[name].Shape)}, expected {Shapes.Format(value.shape)}; prepare the model with the recipe the adapter was trained by.");
        }

        if (file.Tensors.Select(tensor => tensor.Name).Except(tensors.Select(tensor => tensor.Name)).FirstOrDefault() is { } extra)
            throw new InputException($"{file.Path}: tensor \"{extra}\" is of no quantizer of the model; prepare the model with the recipe the adapter was trained by.");
        using IDisposable noGradient = no_grad();
        foreach ((string name, Tensor value) in tensors)
        {
            using DisposeScope scope = NewDisposeScope();
            value.copy_(tensor(file.ReadFloat32(name)).reshape(value.shape));
        }
    }

    private static IEnumerable<(string Name, Tensor Value)> QuantizerTensors(LlamaModel model) =>
        from entry in model.QuantizableLayers
        where entry.Layer.WeightQuantizer is not null
        from item in entry.Layer.WeightQuantizer!.named_parameters().Select(item => (item.name, Value: (Tensor)item.parameter))
            .Concat(entry.Layer.WeightQuantizer!.named_buffers().Select(item => (item.name, Value: item.buffer)))
        select ($"{entry.Name}.{item.name}", item.Value);

    private static void Write(string path, IEnumerable<(string Name, Tensor Value)> tensors) =>
        SafetensorsWriter.Write(path, tensors.Select(item => new SafetensorsEntry(item.Name, SafetensorsDtype.F32, item.Value.shape, stream => WriteContent(stream, item.Name, item.Value))), Metadata);

    private static void WriteContent(Stream stream, string name, Tensor value)
    {
        using DisposeScope scope = NewDisposeScope();
        TensorMemory.Visit(value.detach().cpu().contiguous(), (element, values) =>
        {
            if (FiniteCheck.IndexOfNonFinite(values) is var index and >= 0)
                throw new RunFailedException($"{name}: holds {FiniteCheck.Describe(values[index], value.shape, element + index)}, expected finite values; the training diverged, lower its learning rate.");
            stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values));
        });
    }
}
