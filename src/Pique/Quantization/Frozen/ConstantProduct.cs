using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Quantization.Frozen;

/// <summary>input·Wᵀ + bias of a weight that takes no gradient. Arguments: input; <see cref="Call"/>.</summary>
/// <remarks>The weight is read a piece at a time, in the forward pass and again in the backward pass, and nothing is kept in between.</remarks>
internal sealed class ConstantProduct : SingleTensorFunction<ConstantProduct>
{
    private const string CallKey = "call";

    public override string Name => nameof(ConstantProduct);

    /// <summary>Computes the product, shape [..., outFeatures].</summary>
    /// <param name="input">Shape [..., inFeatures], float32.</param>
    /// <param name="weight">The weight.</param>
    /// <param name="bias">Shape [outFeatures], which takes no gradient; or null.</param>
    public static Tensor Compute(Tensor input, FrozenWeight weight, Tensor? bias) =>
        is_grad_enabled() && input.requires_grad ? apply(input, new Call(weight, bias)) : ProductOf(input, weight, bias);

    /// <summary>Writes rows·Wᵀ.</summary>
    /// <param name="rows">Shape [n, inFeatures], float32.</param>
    /// <param name="weight">The weight.</param>
    /// <param name="destination">Receives the product, shape [n, outFeatures].</param>
    public static void Multiply(Tensor rows, FrozenWeight weight, Tensor destination)
    {
        foreach ((long first, long count) in weight.Pieces())
        {
            using DisposeScope scope = NewDisposeScope();
            destination.narrow(1, first, count).addmm_(rows, weight.Materialize(first, count).t(), beta: 0);
        }
    }

    /// <summary>Writes gradient·W: the gradient of the rows that <see cref="Multiply(Tensor, FrozenWeight, Tensor)"/> multiplies.</summary>
    /// <param name="gradient">Shape [n, outFeatures], float32.</param>
    /// <param name="weight">The weight.</param>
    /// <param name="destination">Receives it, shape [n, inFeatures].</param>
    public static void InputGradient(Tensor gradient, FrozenWeight weight, Tensor destination)
    {
        foreach ((long first, long count) in weight.Pieces())
        {
            using DisposeScope scope = NewDisposeScope();
            destination.addmm_(gradient.narrow(1, first, count), weight.Materialize(first, count), beta: first == 0 ? 0 : 1);
        }
    }

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        Call call = (Call)vars[1];
        ctx.save_data(CallKey, call);
        return ProductOf((Tensor)vars[0], call.Weight, call.Bias);
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        FrozenWeight weight = ((Call)ctx.get_data(CallKey)).Weight;
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = grad_output.reshape(-1, weight.Rows);
        Tensor gradient = empty([rows.shape[0], weight.Columns]);
        InputGradient(rows, weight, gradient);
        return HandedGradients.Of([grad_output], gradient.reshape([.. grad_output.shape[..^1], weight.Columns]), null);
    }

    private static Tensor ProductOf(Tensor input, FrozenWeight weight, Tensor? bias)
    {
        using DisposeScope scope = NewDisposeScope();
        if (weight.Rows * weight.Columns <= FrozenWeight.PieceWeights)
            return nn.functional.linear(input, weight.Materialize(), bias).MoveToOuterDisposeScope();
        Tensor rows = input.reshape(-1, weight.Columns);
        Tensor output = empty([rows.shape[0], weight.Rows]);
        Multiply(rows, weight, output);
        if (bias is not null)
            output.add_(bias, HeldScalar.Of(1));
        return output.reshape([.. input.shape[..^1], weight.Rows]).MoveToOuterDisposeScope();
    }

    private sealed record Call(FrozenWeight Weight, Tensor? Bias);
}
