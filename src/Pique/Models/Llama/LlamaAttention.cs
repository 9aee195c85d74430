using Pique.Quantization;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>Causal self-attention whose query heads share key/value heads in equal groups; where the family has them, with biases and with norms of each head's query and key.</summary>
/// <remarks>Grouped-query attention, Ainslie et al. 2023, arXiv:2305.13245. Norms of query and key: Henry et al. 2020, arXiv:2010.04245, here with RMSNorm and before rotation.</remarks>
public sealed class LlamaAttention : nn.Module
{
    [ComponentName(Name = "q_proj")]
    private readonly QuantizedLinear _queryProjection;

    [ComponentName(Name = "k_proj")]
    private readonly QuantizedLinear _keyProjection;

    [ComponentName(Name = "v_proj")]
    private readonly QuantizedLinear _valueProjection;

    [ComponentName(Name = "o_proj")]
    private readonly QuantizedLinear _outputProjection;

    [ComponentName(Name = "q_norm")]
    private readonly RmsNorm? _queryNorm;

    [ComponentName(Name = "k_norm")]
    private readonly RmsNorm? _keyNorm;

    private readonly LlamaConfig _config;
    private readonly int _layerIndex;

    internal LlamaAttention(LlamaConfig config, int layerIndex, Device matrixDevice) : base(nameof(LlamaAttention))
    {
        _config = config;
        _layerIndex = layerIndex;
        int queryWidth = config.HeadCount * config.HeadSize;
        int keyWidth = config.KeyValueHeadCount * config.HeadSize;
        _queryProjection = new QuantizedLinear(config.HiddenSize, queryWidth, config.HasQueryKeyValueBias, matrixDevice);
        _keyProjection = new QuantizedLinear(config.HiddenSize, keyWidth, config.HasQueryKeyValueBias, matrixDevice);
        _valueProjection = new QuantizedLinear(config.HiddenSize, keyWidth, config.HasQueryKeyValueBias, matrixDevice);
        _outputProjection = new QuantizedLinear(queryWidth, config.HiddenSize, config.AttentionBias, matrixDevice);
        if (config.Family.NormalizesQueryAndKey)
        {
            _queryNorm = new RmsNorm(config.HeadSize, config.RmsNormEpsilon);
            _keyNorm = new RmsNorm(config.HeadSize, config.RmsNormEpsilon);
        }

        RegisterComponents();
    }

    /// <summary>Reads queries from the stream (q_proj).</summary>
    public QuantizedLinear QueryProjection => _queryProjection;

    /// <summary>Reads keys from the stream (k_proj).</summary>
    public QuantizedLinear KeyProjection => _keyProjection;

    /// <summary>Reads values from the stream (v_proj).</summary>
    public QuantizedLinear ValueProjection => _valueProjection;

    /// <summary>Writes to the stream (o_proj).</summary>
    public QuantizedLinear OutputProjection => _outputProjection;

    /// <summary>Norm of every head's query before rotation (q_norm); null where the family has none.</summary>
    public RmsNorm? QueryNorm => _queryNorm;

    /// <summary>Norm of every head's key before rotation (k_norm); null where the family has none.</summary>
    public RmsNorm? KeyNorm => _keyNorm;

    /// <summary>Attends.</summary>
    /// <param name="input">Normalized stream, shape [batch, tokens, hidden].</param>
    /// <param name="context">What all layers share in this pass.</param>
    /// <returns>Shape [batch, tokens, hidden].</returns>
    internal Tensor Attend(Tensor input, AttentionContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = input.shape[0], tokens = input.shape[1];
        Tensor query = Rotated(SplitHeads(_queryProjection.forward(input), _config.HeadCount), _queryNorm);
        Tensor key = Rotated(SplitHeads(_keyProjection.forward(input), _config.KeyValueHeadCount), _keyNorm);
        Tensor value = SplitHeads(_valueProjection.forward(input), _config.KeyValueHeadCount);

        query = query.transpose(1, 2); // [batch, heads, tokens, headSize]; the kernel takes strides
        key = key.transpose(1, 2);
        value = value.transpose(1, 2);
        if (context.Cache is { } cache)
            (key, value) = cache.Extend(_layerIndex, key, value);

        Tensor attended = nn.functional.scaled_dot_product_attention(
            query, RepeatHeads(key), RepeatHeads(value), context.Mask, is_casual: context.IsCausal);
        Tensor merged = attended.transpose(1, 2).reshape(batch, tokens, -1);
        return _outputProjection.forward(merged).MoveToOuterDisposeScope();

        Tensor SplitHeads(Tensor projected, int headCount) => projected.view(batch, tokens, headCount, _config.HeadSize);
        Tensor Rotated(Tensor heads, RmsNorm? norm) => RotaryEmbedding.Apply(norm is null ? heads : norm.forward(heads), context.Rotary, overwrites: true);
    }

    /// <summary>Repeats each key/value head for the query heads of its group.</summary>
    private Tensor RepeatHeads(Tensor heads)
    {
        int group = _config.HeadCount / _config.KeyValueHeadCount;
        if (group == 1)
            return heads;
        long[] shape = heads.shape;
        return heads.unsqueeze(2).expand(shape[0], shape[1], group, shape[2], shape[3]).reshape(shape[0], -1, shape[2], shape[3]);
    }
}
