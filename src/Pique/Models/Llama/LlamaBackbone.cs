using Pique.Quantization;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>Everything of a Llama but its output head; the checkpoint's "model." prefix.</summary>
public sealed class LlamaBackbone : nn.Module
{
    [ComponentName(Name = "embed_tokens")]
    private readonly QuantizedEmbedding _embedding;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<LlamaBlock> _blocks;

    [ComponentName(Name = "norm")]
    private readonly RmsNorm _finalNorm;

    internal LlamaBackbone(LlamaConfig config, Device matrixDevice) : base(nameof(LlamaBackbone))
    {
        _embedding = new QuantizedEmbedding(config.VocabularySize, config.HiddenSize, matrixDevice) { IsHead = config.TieWordEmbeddings };
        _blocks = new ModuleList<LlamaBlock>([.. Enumerable.Range(0, config.LayerCount).Select(index => new LlamaBlock(config, index, matrixDevice))]);
        _finalNorm = new RmsNorm(config.HiddenSize, config.RmsNormEpsilon);
        RegisterComponents();
    }

    /// <summary>Token embedding (embed_tokens).</summary>
    public QuantizedEmbedding Embedding => _embedding;

    /// <summary>Transformer blocks (layers).</summary>
    public IReadOnlyList<LlamaBlock> Blocks => [.. _blocks];

    /// <summary>Norm after the last block (norm).</summary>
    public RmsNorm FinalNorm => _finalNorm;

    /// <summary>Runs the blocks.</summary>
    /// <param name="tokens">Token ids, shape [batch, tokens], int64.</param>
    /// <param name="context">What all layers share in this pass.</param>
    /// <param name="recompute">Makes the context anew where blocks are to be computed again in the backward pass; null where they are not.</param>
    /// <returns>Hidden states after the final norm, shape [batch, tokens, hidden].</returns>
    internal Tensor Run(Tensor tokens, AttentionContext context, Func<AttentionContext>? recompute = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor stream = _embedding.forward(tokens);
        foreach (LlamaBlock block in _blocks)
        {
            // Autograd never asks a checkpointed block whose input needs no gradient: that one is run as usual.
            Tensor next = recompute is not null && stream.requires_grad ? CheckpointedBlock.Run(block, stream, recompute) : block.Advance(stream, context);
            stream.Dispose();
            stream = next;
        }

        return _finalNorm.forward(stream).MoveToOuterDisposeScope();
    }
}
