using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Quantization;

/// <summary>Some rows of a weight matrix, in float32. Arguments: the weight; numbers of the rows, shape [n], int64.</summary>
/// <remarks>
/// Autograd's own selection hands back a gradient as large as the matrix for a batch's few rows. This one adds them to the <c>grad</c> of a
/// weight that is a leaf, as <see cref="FakeQuantizeFunction"/> does, and tells autograd that there is none.
/// </remarks>
internal sealed class SelectedRows : SingleTensorFunction<SelectedRows>
{
    public override string Name => nameof(SelectedRows);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        (Tensor weight, Tensor rows) = ((Tensor)vars[0], (Tensor)vars[1]);
        using DisposeScope scope = NewDisposeScope();
        ctx.save_for_backward([weight, rows]);
        return weight.index_select(0, rows).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor weight, Tensor rows) = (saved[0], saved[1]);
        bool writesGrad = weight is { is_leaf: true, requires_grad: true };
        Tensor gradient = (writesGrad ? weight.grad : null) ?? zeros(weight.shape, device: weight.device);
        gradient.index_add_(0, rows, grad_output, HeldScalar.Of(1));
        if (writesGrad && weight.grad is null)
            weight.grad = gradient;
        BackwardPass.Release(ctx);
        return HandedGradients.Of([grad_output], writesGrad ? null : gradient, null);
    }
}
