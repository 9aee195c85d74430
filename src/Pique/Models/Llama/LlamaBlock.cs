using System.Globalization;
using Pique.Numerics;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>One transformer block: attention and feed-forward, each added to the residual stream behind its own norm.</summary>
public sealed class LlamaBlock : nn.Module
{
    [ComponentName(Name = "self_attn")]
    private readonly LlamaAttention _attention;

    [ComponentName(Name = "mlp")]
    private readonly LlamaFeedForward _feedForward;

    [ComponentName(Name = "input_layernorm")]
    private readonly RmsNorm _attentionNorm;

    [ComponentName(Name = "post_attention_layernorm")]
    private readonly RmsNorm _feedForwardNorm;

    internal LlamaBlock(LlamaConfig config, int layerIndex, Device matrixDevice) : base(nameof(LlamaBlock))
    {
        _attention = new LlamaAttention(config, layerIndex, matrixDevice);
        _feedForward = new LlamaFeedForward(config, matrixDevice);
        _attentionNorm = new RmsNorm(config.HiddenSize, config.RmsNormEpsilon);
        _feedForwardNorm = new RmsNorm(config.HiddenSize, config.RmsNormEpsilon);
        RegisterComponents();
    }

    /// <summary>What the checkpoint names of a block's parameters begin with.</summary>
    /// <param name="index">Block, from 0.</param>
    internal static string NamePrefix(int index) => string.Create(CultureInfo.InvariantCulture, $"model.layers.{index}.");

    /// <summary>Self-attention (self_attn).</summary>
    public LlamaAttention Attention => _attention;

    /// <summary>Feed-forward layer (mlp).</summary>
    public LlamaFeedForward FeedForward => _feedForward;

    /// <summary>Norm before attention (input_layernorm).</summary>
    public RmsNorm AttentionNorm => _attentionNorm;

    /// <summary>Norm before the feed-forward layer (post_attention_layernorm).</summary>
    public RmsNorm FeedForwardNorm => _feedForwardNorm;

    /// <summary>Adds both layers' outputs to the stream.</summary>
    /// <param name="stream">Residual stream, shape [batch, tokens, hidden].</param>
    /// <param name="context">What all layers share in this pass.</param>
    /// <returns>Same shape.</returns>
    internal Tensor Advance(Tensor stream, AttentionContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor beside, Tensor normed) = _attentionNorm.AddAndNormalize(stream, null);
        (Tensor attended, Tensor attendedNormed) = _feedForwardNorm.AddAndNormalize(beside, _attention.Attend(normed, context));
        // In place: nothing reads the added-to value in the backward pass.
        return _feedForward.forward(attendedNormed).add_(attended, HeldScalar.Of(1)).MoveToOuterDisposeScope();
    }
}
