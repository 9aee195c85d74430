using Microsoft.Extensions.Logging;
using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Models.Rotation;

/// <summary>Folds rotations into the weights of a Llama or one of its relatives that leave its function unchanged and spread outliers over all channels, so that rounding costs less.</summary>
/// <remarks>
/// R1 turns the residual stream x into R·x: gains of the norms go into the layers that read the stream (a norm without gain commutes with a rotation), readers become W·diag(gain)·Rᵀ, writers R·W, the embedding E·Rᵀ.
/// R2 turns the values of each key/value head into R·v and undoes it in the columns of the output projection that read them.
/// A bias turns with what its layer writes: that of the output projection by R1, that of the values by R2. Queries and keys are not turned,
/// so their biases, and the norms of their heads, stay as they are.
/// QuaRot, Ashkboos et al. 2024, arXiv:2404.00456, section 4; SpinQuant, Liu et al. 2024, arXiv:2405.16406, section 3.
/// </remarks>
public static class IncoherenceRotation
{
    /// <summary>Makes a rotated copy.</summary>
    /// <param name="model">Model to copy; not changed. Must not be prepared for quantization yet.</param>
    /// <param name="seed">Equal seeds give equal rotations.</param>
    /// <param name="logger">Told where a random orthogonal matrix stands in for a Hadamard matrix; null for nobody.</param>
    /// <param name="storage">How the copy's matrices are held, frozen; null for float32 weights that can be trained.</param>
    /// <returns>A model with an untied head that computes the same logits up to rounding; computed in float64, rounded once to what the copy holds.</returns>
    /// <exception cref="InvalidOperationException">A layer already has a quantizer, whose scales belong to the unrotated weights.</exception>
    public static LlamaModel Apply(LlamaModel model, long seed, ILogger? logger = null, FrozenStorage? storage = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        foreach ((string name, IQuantizableLayer layer) in model.QuantizableLayers)
        {
            if (layer.WeightQuantizer is not null)
                throw new InvalidOperationException($"{name}: the layer already has a quantizer, whose scales belong to the unrotated weight; rotate before prepare.");
        }

        LlamaConfig config = model.Config with { TieWordEmbeddings = false };
        LlamaModel rotated = storage is null ? new(config) : LlamaModel.WithoutMatrices(config);
        using IDisposable noGradients = no_grad();
        using RandomizedHadamard stream = CreateRotation(model.Config.HiddenSize, seed, "residual stream", logger);
        RotateEnds(model, rotated, stream, storage);
        for (int index = 0; index < model.Config.LayerCount; index++)
        {
            // Layer 0 must not share its seed with the stream.
            using RandomizedHadamard heads = CreateRotation(model.Config.HeadSize, unchecked(seed + index + 1), $"heads of layer {index}", logger);
            RotateBlock(model.Backbone.Blocks[index], rotated.Backbone.Blocks[index], stream, heads, storage);
        }

        return rotated;
    }

    private static RandomizedHadamard CreateRotation(int order, long seed, string place, ILogger? logger)
    {
        RandomizedHadamard rotation = RandomizedHadamard.Create(order, seed);
        if (!rotation.IsHadamard)
            logger?.LogWarning("Rotation of the {Place}: no Hadamard matrix of order {Order} can be built; a random orthogonal matrix stands in.", place, order);
        return rotation;
    }

    private static void RotateEnds(LlamaModel source, LlamaModel target, RandomizedHadamard rotation, FrozenStorage? storage)
    {
        // One after the other: with a large vocabulary each is larger than all blocks.
        using (NewDisposeScope())
            Store(target.Backbone.Embedding, Turn(Weight(source.Backbone.Embedding).to(ScalarType.Float64, copy: true), rotation), storage);
        using (NewDisposeScope())
        {
            Tensor head = Weight(source.Head ?? (IQuantizableLayer)source.Backbone.Embedding).to(ScalarType.Float64, copy: true);
            Store(target.Head!, Turn(head.mul_(source.Backbone.FinalNorm.Gain), rotation), storage);
        }
    }

    private static Tensor Weight(IQuantizableLayer layer) => layer.LatentWeight();

    private static void Store(IQuantizableLayer layer, Tensor weight, FrozenStorage? storage)
    {
        if (storage is null)
            layer.Weight.copy_(weight);
        else
            layer.Frozen = new(FrozenWeightBuilder.Of(storage.Value, weight.to(ScalarType.Float32)));
    }

    private static void RotateBlock(LlamaBlock source, LlamaBlock target, RandomizedHadamard stream, RandomizedHadamard headRotation, FrozenStorage? storage)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor attentionGain = source.AttentionNorm.Gain, feedForwardGain = source.FeedForwardNorm.Gain;
        LlamaAttention from = source.Attention, to = target.Attention;
        Store(to.QueryProjection, Reader(from.QueryProjection, attentionGain), storage);
        Store(to.KeyProjection, Reader(from.KeyProjection, attentionGain), storage);
        Keep(from.QueryProjection.Bias, to.QueryProjection.Bias);
        Keep(from.KeyProjection.Bias, to.KeyProjection.Bias);
        Keep(from.QueryNorm?.Gain, to.QueryNorm?.Gain);
        Keep(from.KeyNorm?.Gain, to.KeyNorm?.Gain);

        // Rows of v_proj and columns of o_proj come in blocks of one head. All heads of a layer turn alike,
        // so query heads undo the rotation of the key/value head they share, however heads are grouped.
        long headSize = headRotation.Order;
        Tensor value = Reader(from.ValueProjection, attentionGain);
        Store(to.ValueProjection, Turn(value.view(-1, headSize, value.shape[1]), headRotation, 1).view(value.shape), storage);
        if (from.ValueProjection.Bias is { } valueBias)
            to.ValueProjection.Bias!.copy_(Turn(valueBias.to(ScalarType.Float64).view(-1, headSize), headRotation).view(-1));
        Tensor output = Writer(from.OutputProjection);
        Store(to.OutputProjection, Turn(output.view(output.shape[0], -1, headSize), headRotation).view(output.shape), storage);
        if (from.OutputProjection.Bias is { } outputBias)
            to.OutputProjection.Bias!.copy_(Turn(outputBias.to(ScalarType.Float64).view(1, -1), stream).view(-1));

        Store(target.FeedForward.GateProjection, Reader(source.FeedForward.GateProjection, feedForwardGain), storage);
        Store(target.FeedForward.UpProjection, Reader(source.FeedForward.UpProjection, feedForwardGain), storage);
        Store(target.FeedForward.DownProjection, Writer(source.FeedForward.DownProjection), storage);

        void Keep(Parameter? original, Parameter? copy)
        {
            if (original is not null)
                copy!.copy_(original);
        }

        Tensor Reader(QuantizedLinear layer, Tensor gain) => Turn(Weight(layer).to(ScalarType.Float64).mul(gain), stream);
        Tensor Writer(QuantizedLinear layer) => Turn(Weight(layer).to(ScalarType.Float64, copy: true), stream, 0);
    }

    /// <summary>Turns vectors in place: X·Rᵀ along the last dimension, R·X along the first of a matrix.</summary>
    private static Tensor Turn(Tensor vectors, RandomizedHadamard rotation, int dimension = -1)
    {
        rotation.Apply(vectors, dimension);
        return vectors;
    }
}
