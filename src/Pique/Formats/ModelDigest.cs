using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Formats;

/// <summary>Fingerprint of a model's parameters, by which a frozen teacher proves that it stayed as it was.</summary>
public static class ModelDigest
{
    /// <summary>SHA-256 over every parameter in the order of their names: length of the name and the name in UTF-8, number of dimensions and their sizes, values as float32; integers as 64 bits, all little-endian.</summary>
    /// <param name="model">Any module.</param>
    /// <returns>64 hexadecimal digits, lower case.</returns>
    public static string Compute(nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using IDisposable noGradients = no_grad();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string name, Parameter parameter) in model.named_parameters().OrderBy(entry => entry.name, StringComparer.Ordinal))
        {
            byte[] nameBytes = Encoding.UTF8.GetBytes(name);
            AppendNumber(hash, nameBytes.Length);
            hash.AppendData(nameBytes);
            AppendNumber(hash, parameter.shape.Length);
            foreach (long size in parameter.shape)
                AppendNumber(hash, size);

            using DisposeScope scope = NewDisposeScope();
            Tensor values = parameter.detach().to(ScalarType.Float32).cpu().contiguous();
            TensorMemory.Visit(values, (_, piece) => hash.AppendData(MemoryMarshal.AsBytes(piece)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void AppendNumber(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
