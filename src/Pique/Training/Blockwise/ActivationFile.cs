using System.Runtime.InteropServices;
using Pique.Formats;
using Pique.Formats.Safetensors;
using Pique.Formats.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>The residual stream of many rows at one place between two blocks, in a file: written batch by batch, whole or absent, and read by rows.</summary>
/// <remarks>
/// Float32: a trained model's stream has a few values a thousand times the others, and what one block adds to these, which is all that is
/// trained, would be below bfloat16's 8 bits. The file states in its metadata what it is of, and every byte has its SHA-256.
/// </remarks>
internal sealed class ActivationFile : IDisposable
{
    private const string TensorName = "activations";
    private const string KeyName = "pique.activations_of";

    private readonly SafetensorsFile _file;
    private readonly ActivationShape _shape;

    private ActivationFile(SafetensorsFile file, ActivationShape shape)
    {
        _file = file;
        _shape = shape;
    }

    /// <summary>Opens a file if it is what is wanted, every byte of it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">What it has to be of.</param>
    /// <param name="shape">Its shape.</param>
    /// <returns>The file, or null where it is missing, damaged or of something else.</returns>
    public static ActivationFile? TryOpen(string path, string key, ActivationShape shape)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            bool isWanted = file.Metadata.GetValueOrDefault(KeyName) == key
                && file.Tensors is [{ Name: TensorName, Dtype: SafetensorsDtype.F32 } tensor]
                && tensor.Shape.SequenceEqual([shape.Rows, shape.ContextTokens, shape.HiddenSize])
                && SafetensorsVerifier.Verify(path, path).All(item => item.Status is VerificationStatus.Ok or VerificationStatus.NotFinite);
            return isWanted ? new(SafetensorsFile.Open(path), shape) : null;
        }
        catch (InputException)
        {
            return null; // Damaged: it is made again.
        }
    }

    /// <summary>Writes a file and opens it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">What it is of.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="batchRows">Rows at once.</param>
    /// <param name="compute">Computes consecutive rows, given the first and their number: shape [rows, context, hidden], in the caller's dispose scope.</param>
    /// <exception cref="RunFailedException">The disk fails.</exception>
    public static ActivationFile Write(string path, string key, ActivationShape shape, int batchRows, Func<int, int, Tensor> compute)
    {
        SafetensorsEntry entry = new(TensorName, SafetensorsDtype.F32, [shape.Rows, shape.ContextTokens, shape.HiddenSize], stream =>
        {
            for (int first = 0; first < shape.Rows; first += batchRows)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor rows = compute(first, Math.Min(batchRows, shape.Rows - first)).cpu().contiguous();
                TensorMemory.Visit(rows, (_, values) => stream.Write(MemoryMarshal.AsBytes(values)));
            }
        });
        SafetensorsWriter.Write(path, [entry], new Dictionary<string, string> { [KeyName] = key });
        return new(SafetensorsFile.Open(path), shape);
    }

    /// <summary>Reads rows.</summary>
    /// <param name="rows">Their numbers.</param>
    /// <returns>Shape [rows, context, hidden], float32.</returns>
    public Tensor Read(ReadOnlySpan<int> rows)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor values = empty([rows.Length, _shape.ContextTokens, _shape.HiddenSize]);
        for (int index = 0; index < rows.Length; index++)
        {
            long start = rows[index] * _shape.RowValues;
            TensorMemory.Visit(values[index], (element, piece) => _file.ReadFloat32(TensorName, start + element, piece));
        }

        return values.MoveToOuterDisposeScope();
    }

    /// <summary>Closes the file and deletes it.</summary>
    public void Delete()
    {
        Dispose();
        File.Delete(_file.Path);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
