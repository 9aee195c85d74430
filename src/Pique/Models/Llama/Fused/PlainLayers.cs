using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>The operations of a block in plain torch operations: for tensors that the kernels do not read, and the reference of those that they do.</summary>
internal static class PlainLayers
{
    /// <summary>x / √(mean(x²) + ε) · gain over the last dimension.</summary>
    /// <param name="input">Shape [..., width].</param>
    /// <param name="gain">Shape [width].</param>
    /// <param name="epsilon">ε.</param>
    public static Tensor Normalize(Tensor input, Tensor gain, float epsilon)
    {
        // A norm reads the stream once; square().mean() would write the squares out in between.
        Tensor norm = linalg.vector_norm(input, dims: [-1], keepdim: true);
        Tensor inverseRms = norm.Squared().mul(HeldScalar.Of(1.0 / input.shape[^1])).add(HeldScalar.Of(epsilon), HeldScalar.Of(1)).rsqrt();
        return input.mul(inverseRms).mul(gain);
    }

    /// <summary>Rotates queries or keys.</summary>
    /// <param name="heads">Shape [batch, tokens, heads, headSize].</param>
    /// <param name="tables">cos, and sin with its first half negated; each [tokens, 1, headSize].</param>
    /// <remarks>Swapping the halves is a roll, whose gradient is a roll again; negating one half is folded into the sine table.</remarks>
    public static Tensor Rotate(Tensor heads, (Tensor Cos, Tensor SignedSin) tables) =>
        heads.mul(tables.Cos).addcmul(heads.roll(heads.shape[^1] / 2, -1), tables.SignedSin, HeldScalar.Of(1));

    /// <summary>silu(gate)·up.</summary>
    public static Tensor Gate(Tensor gate, Tensor up) => nn.functional.silu(gate).mul(up);
}
