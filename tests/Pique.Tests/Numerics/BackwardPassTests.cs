using Pique.Models.Llama;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Tests.Numerics;

public sealed class BackwardPassTests
{
    [Fact]
    public void Gradients_are_those_of_an_ordinary_pass()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ordinary = LayerCase.Normal(1, 3, 19).requires_grad_(), once = LayerCase.Normal(1, 3, 19).requires_grad_(), up = LayerCase.Normal(2, 3, 19);

        GateFunction.Compute(ordinary, up).sum().backward();
        BackwardPass.Run(GateFunction.Compute(once, up).sum());
        LayerCase.AssertSameBits(ordinary.grad!, once.grad!);

        GateFunction.Compute(ordinary, up).backward([up]);
        BackwardPass.Run(GateFunction.Compute(once, up), up);
        LayerCase.AssertSameBits(ordinary.grad!, once.grad!);
    }

    [Fact]
    public void What_a_function_saved_is_let_go_in_a_pass_that_is_the_only_one_and_in_no_other()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = ones(3).requires_grad_();
        Probe.Apply(input).sum().backward();
        Assert.False(Probe.HasReleased);
        BackwardPass.Run(Probe.Apply(input).sum());
        Assert.True(Probe.HasReleased);
        Probe.Apply(input).sum().backward();
        Assert.False(Probe.HasReleased);
    }

    [Fact]
    public void A_pass_that_fails_leaves_the_next_an_ordinary_one()
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.ThrowsAny<Exception>(() => BackwardPass.Run(ones(3)));
        Probe.Apply(ones(3).requires_grad_()).sum().backward();
        Assert.False(Probe.HasReleased);
    }

    /// <summary>Passes everything unchanged and looks whether what it saved is still there after it was let go.</summary>
    private sealed class Probe : SingleTensorFunction<Probe>
    {
        public static bool HasReleased { get; private set; }

        public override string Name => nameof(Probe);

        public static Tensor Apply(Tensor input) => apply(input);

        public override Tensor forward(AutogradContext ctx, params object[] vars)
        {
            ctx.save_for_backward([(Tensor)vars[0]]);
            return ((Tensor)vars[0]).clone();
        }

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
        {
            BackwardPass.Release(ctx);
            try
            {
                HasReleased = ctx.get_saved_variables().Count == 0;
            }
            catch (ArgumentNullException)
            {
                HasReleased = true;
            }

            return [grad_output];
        }
    }
}
