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
        return Function.apply(input, (1 << Bits) - 1).MoveToOuterDisposeScope();
    }

    private sealed class Function : SingleTensorFunction<Function>
    {
        private const float SmallestScale = 1.17549435e-38f;

        public override string Name => nameof(ActivationFakeQuantizer);

        public override Tensor forward(AutogradContext ctx, params object[] vars)
        {
            Tensor input = (Tensor)vars[0];
            int maxCode = (int)vars[1];
            using DisposeScope scope = NewDisposeScope();
            if (input.numel() == 0)
                return input.clone().MoveToOuterDisposeScope();
            Tensor lowest = input.amin([-1], keepdim: true).clamp_max_(HeldScalar.Of(0f));
            Tensor scale = input.amax([-1], keepdim: true).clamp_min_(HeldScalar.Of(0f)).sub_(lowest).div_(HeldScalar.Of(maxCode)).clamp_min_(HeldScalar.Of(SmallestScale));
            Tensor lowestLevel = lowest.div_(scale).round_();
            Tensor levels = input.div(scale).round_();
            return levels.clamp_(lowestLevel, lowestLevel.add(HeldScalar.Of(maxCode))).mul_(scale).MoveToOuterDisposeScope();
        }

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => [grad_output, null!];
    }
}
