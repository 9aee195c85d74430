using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>Gated feed-forward layer: down(silu(gate(x)) · up(x)).</summary>
/// <remarks>SwiGLU, Shazeer 2020, arXiv:2002.05202, equation 6.</remarks>
public sealed class LlamaFeedForward : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "gate_proj")]
    private readonly QuantizedLinear _gateProjection;

    [ComponentName(Name = "up_proj")]
    private readonly QuantizedLinear _upProjection;

    [ComponentName(Name = "down_proj")]
    private readonly QuantizedLinear _downProjection;

    internal LlamaFeedForward(LlamaConfig config, Device matrixDevice) : base(nameof(LlamaFeedForward))
    {
        _gateProjection = new QuantizedLinear(config.HiddenSize, config.IntermediateSize, weightDevice: matrixDevice);
        _upProjection = new QuantizedLinear(config.HiddenSize, config.IntermediateSize, weightDevice: matrixDevice);
        _downProjection = new QuantizedLinear(config.IntermediateSize, config.HiddenSize, weightDevice: matrixDevice);
        RegisterComponents();
    }

    /// <summary>Reads the gate from the stream (gate_proj).</summary>
    public QuantizedLinear GateProjection => _gateProjection;

    /// <summary>Reads the gated value from the stream (up_proj).</summary>
    public QuantizedLinear UpProjection => _upProjection;

    /// <summary>Writes to the stream (down_proj).</summary>
    public QuantizedLinear DownProjection => _downProjection;

    /// <summary>Computes the layer.</summary>
    /// <param name="input">Normalized stream, shape [batch, tokens, hidden].</param>
    /// <returns>Same shape.</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return _downProjection.forward(Gated(_gateProjection.forward(input), _upProjection.forward(input))).MoveToOuterDisposeScope();
    }

    private static Tensor Gated(Tensor gate, Tensor up)
    {
        if (!GatedProduct.Takes(gate, up))
            return PlainLayers.Gate(gate, up);
        if (is_grad_enabled() && (gate.requires_grad || up.requires_grad))
            return GateFunction.Compute(gate, up);
        GatedProduct.Multiply(gate, up, gate);
        return gate;
    }
}
