using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Pique.Models;
using static TorchSharp.torch;

namespace Pique.Formats;

/// <summary>Fingerprint of a model's parameters, by which a frozen teacher proves that it stayed as it was.</summary>
public static class ModelDigest
{
    /// <summary>SHA-256 over every parameter in the order of their names: length of the name and the name in UTF-8, number of dimensions and their sizes, values as float32; integers as 64 bits, all little-endian.</summary>
    /// <param name="model">Any module; frozen weights count as the float32 values they are read as, adapters not at all.</param>
    /// <returns>64 hexadecimal digits, lower case.</returns>
    public static string Compute(nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using IDisposable noGradients = no_grad();
        nn.Module owner = model is CausalLanguageModel { WeightOwner: var weights } ? weights : model;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ModelWeight weight in ModelWeight.Of(owner, withAdapters: false).OrderBy(weight => weight.Name, StringComparer.Ordinal))
        {
            byte[] nameBytes = Encoding.UTF8.GetBytes(weight.Name);
            AppendNumber(hash, nameBytes.Length);
            hash.AppendData(nameBytes);
            AppendNumber(hash, weight.Shape.Length);
            foreach (long size in weight.Shape)
                AppendNumber(hash, size);
            weight.Visit((_, piece) => hash.AppendData(MemoryMarshal.AsBytes(piece)));
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
