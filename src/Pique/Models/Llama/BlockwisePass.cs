using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>A forward pass over many batches that halts between blocks: the residual stream of every batch is kept, so that a block can be run again with other weights.</summary>
/// <remarks>It holds tokens·hidden·4 bytes over all batches. Without gradients.</remarks>
internal sealed class BlockwisePass : IDisposable
{
    private readonly LlamaModel _model;
    private readonly Tensor[] _streams;

    /// <summary>Embeds the tokens of every batch.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batches">Token ids of every batch, shape [rows, tokens], int64.</param>
    public BlockwisePass(LlamaModel model, IReadOnlyList<Tensor> batches)
    {
        _model = model;
        using IDisposable noGradient = no_grad();
        _streams = [.. batches.Select(tokens => model.Backbone.Embedding.forward(tokens).DetachFromDisposeScope())];
    }

    /// <summary>Batches.</summary>
    public int BatchCount => _streams.Length;

    /// <summary>Runs a block over one batch for what its layers see, and forgets its output.</summary>
    /// <param name="block">The block before which the pass halts.</param>
    /// <param name="batch">Index of the batch.</param>
    public void Run(LlamaBlock block, int batch)
    {
        using IDisposable noGradient = no_grad();
        using Tensor output = Output(block, batch);
    }

    /// <summary>Runs a block over every batch and goes on behind it.</summary>
    /// <param name="block">The block before which the pass halts.</param>
    public void Advance(LlamaBlock block)
    {
        using IDisposable noGradient = no_grad();
        for (int batch = 0; batch < _streams.Length; batch++)
        {
            Tensor next = Output(block, batch).DetachFromDisposeScope();
            _streams[batch].Dispose();
            _streams[batch] = next;
        }
    }

    /// <summary>Runs final norm and output head over one batch for what the head sees; before all blocks are passed it would see something else.</summary>
    /// <param name="batch">Index of the batch.</param>
    public void RunHead(int batch)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _model.Logits(_model.Backbone.FinalNorm.forward(_streams[batch]));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor stream in _streams)
            stream.Dispose();
    }

    private Tensor Output(LlamaBlock block, int batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor stream = _streams[batch];
        AttentionContext context = AttentionContext.Create(_model.Rotary, (int)stream.shape[1], null, stream.device);
        return block.Advance(stream, context).MoveToOuterDisposeScope();
    }
}
