using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>SHA-256 over a model's parameters, to show that a frozen one did not change (INV-6).</summary>
public static class ParameterDigest
{
    /// <summary>Hashes names, shapes and bytes of all parameters in the order of their names.</summary>
    /// <param name="model">The model.</param>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public static string Compute(nn.Module model)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string name, Tensor value) in model.named_parameters().OrderBy(item => item.name, StringComparer.Ordinal))
        {
            using DisposeScope scope = NewDisposeScope();
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}:{value.dtype}[{string.Join(',', value.shape)}]\n"));
            hash.AppendData(value.detach().cpu().contiguous().bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
