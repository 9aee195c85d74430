using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Quantization.Frozen;

/// <summary>
/// input·Ŵᵀ + bias with Ŵ = Q(W₀ + ΔW), LR-QAT (Bondarenko et al. 2024, arXiv:2406.06385, section 4; docs/math.md §5).
/// Arguments: input; the adapter's trained tensors; the quantizer's; <see cref="Call"/>.
/// </summary>
/// <remarks>
/// Saved for the backward pass: the input alone. Weight and rounded weight are made again from W₀, A and B, so that nothing of a weight's
/// size outlives the layer in either pass. The gradient of ΔW is that of the latent weight, ∂L/∂W = STE(gᵀ·x), which the adapter turns into
/// the gradients of A and B; those of scales and zero points are written to their <c>grad</c> by the small graph around the quantizer.
/// </remarks>
internal sealed class QuantizedProduct : SingleTensorFunction<QuantizedProduct>
{
    private const string CallKey = "call";

    public override string Name => nameof(QuantizedProduct);

    /// <summary>Computes the product, shape [..., outFeatures].</summary>
    /// <param name="input">Shape [..., inFeatures], float32.</param>
    /// <param name="layer">W₀ and ΔW.</param>
    /// <param name="quantizer">Q, or null for none.</param>
    /// <param name="bias">Shape [outFeatures], which takes no gradient; or null.</param>
    public static Tensor Compute(Tensor input, FrozenLayer layer, FakeQuantizer? quantizer, Tensor? bias)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] trained = [.. layer.Adapter?.Trained ?? [], .. quantizer?.parameters() ?? []];
        return apply([input, .. trained, new Call(layer, quantizer, bias)]).MoveToOuterDisposeScope();
    }

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        (Tensor input, Call call) = ((Tensor)vars[0], (Call)vars[^1]);
        ctx.save_data(CallKey, call);
        ctx.save_for_backward([input]);
        using DisposeScope scope = NewDisposeScope();
        Tensor latent = call.Layer.LatentWeight();
        Tensor effective = call.Quantizer is { } quantizer ? quantizer.forward(latent) : latent;
        return nn.functional.linear(input, effective, call.Bias).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        Call call = (Call)ctx.get_data(CallKey);
        using DisposeScope scope = NewDisposeScope();
        Tensor input = ctx.get_saved_variables()[0];
        Tensor rows = input.reshape(-1, input.shape[^1]), upstream = grad_output.reshape(-1, grad_output.shape[^1]);
        Tensor latent = call.Layer.LatentWeight(), effective = latent;
        if (call.Quantizer is { } quantizer)
        {
            using IDisposable gradients = enable_grad();
            effective = quantizer.forward(latent.requires_grad_(true));
        }

        Tensor? inputGradient = input.requires_grad ? upstream.mm(effective.detach()).reshape(input.shape) : null;
        Tensor weightGradient = upstream.t().mm(rows.detach());
        if (call.Quantizer is not null)
        {
            effective.backward([weightGradient]);
            weightGradient = latent.grad!;
        }

        IReadOnlyList<Tensor> ofAdapter = call.Layer.Adapter?.Gradients(weightGradient) ?? [];
        int ofQuantizer = call.Quantizer?.parameters().Count() ?? 0;
        BackwardPass.Release(ctx);
        return HandedGradients.Of([grad_output], [inputGradient, .. ofAdapter, .. Enumerable.Repeat<Tensor?>(null, ofQuantizer + 1)]);
    }

    private sealed record Call(FrozenLayer Layer, FakeQuantizer? Quantizer, Tensor? Bias);
}
