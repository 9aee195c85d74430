using Pique.Formats;
using Pique.Formats.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Saves live tensors to a safetensors file and puts saved values back into them: float32, bfloat16 and codes of uint8.</summary>
internal static class TensorFile
{
    /// <summary>Writes the tensors.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="tensors">Tensors by name.</param>
    public static void Save(Stream target, IEnumerable<(string Name, Tensor Value)> tensors) =>
        SafetensorsWriter.Write(target, tensors.Select(item => new SafetensorsEntry(item.Name, DtypeOf(item.Value), item.Value.shape, stream =>
        {
            using DisposeScope scope = NewDisposeScope();
            stream.Write(item.Value.detach().cpu().contiguous().bytes);
        })));

    /// <summary>Checks that a file holds exactly these tensors.</summary>
    /// <param name="path">File to read.</param>
    /// <param name="tensors">Tensors by name.</param>
    /// <exception cref="InputException">A name, type or shape differs; the first difference is named.</exception>
    public static void RequireMatch(string path, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach ((string name, Tensor value) in tensors)
        {
            SafetensorsTensor saved = file[name];
            if (saved.Dtype != DtypeOf(value) || !saved.Shape.SequenceEqual(value.shape))
            {
                throw new InputException($"{path}: tensor \"{name}\" is {saved.Dtype.FormatName()} {Shapes.Format(saved.Shape)}, the run needs {DtypeOf(value).FormatName()} {Shapes.Format(value.shape)}; resume with the model and configuration the checkpoint was made with.");
            }
        }

        HashSet<string> known = [.. tensors.Select(item => item.Name)];
        if (file.Tensors.FirstOrDefault(tensor => !known.Contains(tensor.Name)) is { } extra)
        {
            throw new InputException($"{path}: tensor \"{extra.Name}\" is unknown to this run; resume with the model and configuration the checkpoint was made with.");
        }
    }

    /// <summary>Copies saved values into the tensors, in place, bit for bit.</summary>
    /// <param name="path">File that <see cref="RequireMatch"/> accepted.</param>
    /// <param name="tensors">Tensors by name.</param>
    public static void Restore(string path, IEnumerable<(string Name, Tensor Value)> tensors)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        using IDisposable guard = no_grad();
        foreach ((string name, Tensor value) in tensors)
        {
            using DisposeScope scope = NewDisposeScope();
            if (value.dtype == ScalarType.Float32)
            {
                value.copy_(tensor(file.ReadFloat32(name)).reshape(value.shape));
            }
            else
            {
                file.ReadBytes(name).CopyTo(value.detach().bytes);
            }
        }
    }

    private static SafetensorsDtype DtypeOf(Tensor value) => value.dtype switch
    {
        ScalarType.Float32 => SafetensorsDtype.F32,
        ScalarType.BFloat16 => SafetensorsDtype.BF16,
        ScalarType.Byte => SafetensorsDtype.U8,
        _ => throw new ArgumentException($"Found {value.dtype}, expected float32, bfloat16 or uint8.", nameof(value)),
    };
}
