using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Quantization;

/// <summary>Fake-quantizes the activations entering a layer: affine, per token, with a range found anew for every token. The gradient passes straight through.</summary>
public sealed class ActivationFakeQuantizer : nn.Module<Tensor, Tensor>
{
    /// <summary>Creates the quantizer.</summary>
    /// <param name="bits">Bits a code, 2 to 16.</param>
    /// <exception cref="InputException"><paramref name="bits"/> is out of range.</exception>
    public ActivationFakeQuantizer(int bits) : base(nameof(ActivationFakeQuantizer))
    {
        if (bits is < 2 or > 16)
            throw new InputException($"activation_bits: found {bits}, expected 2 to 16.");
        Bits = bits;
    }

    /// <summary>Bits a code.</summary>
    public int Bits { get; }

    /// <summary>Fake-quantizes every token.</summary>
    /// <param name="input">Activations, shape [..., features], float32.</param>
    /// <returns>Same shape; every token's values lie on 2^bits evenly spaced levels, zero among them.</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return Function.apply(input, Bits).MoveToOuterDisposeScope();
    }

    private sealed class Function : SingleTensorFunction<Function>
    {
        public override string Name => nameof(ActivationFakeQuantizer);

        public override Tensor forward(AutogradContext ctx, params object[] vars)
        {
            using DisposeScope scope = NewDisposeScope();
            return GridArithmetic.FakeQuantizeTokens((Tensor)vars[0], (int)vars[1]).MoveToOuterDisposeScope();
        }

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
        {
            using DisposeScope scope = NewDisposeScope();
            return HandedGradients.Of([grad_output], grad_output.alias(), null);
        }
    }
}
