using Pique.Quantization;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>A Llama or one of its relatives: pre-norm transformer with rotary positions, grouped-query attention and gated feed-forward layers.</summary>
/// <remarks>
/// Touvron et al. 2023, arXiv:2302.13971, section 2.2; <see cref="Families.ModelFamily"/> says in what the relatives differ. Parameters carry
/// the names of Hugging Face checkpoints; a tied model has no lm_head.weight. A sliding window is not computed: <see cref="ContextTokens"/>
/// is no longer than it, and so short a sequence has the whole of itself in the window.
/// </remarks>
public sealed class LlamaModel : CausalLanguageModel
{
    [ComponentName(Name = "model")]
    private readonly LlamaBackbone _backbone;

    [ComponentName(Name = "lm_head")]
    private readonly QuantizedLinear? _head;

    private readonly RotaryEmbedding _rotary;

    /// <summary>Creates a model whose matrices and biases are zero and whose gains are one.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <exception cref="InputException">The shape is impossible; every fault is named.</exception>
    public LlamaModel(LlamaConfig config) : this(config, CPU)
    {
    }

    private LlamaModel(LlamaConfig config, Device matrixDevice) : base(nameof(LlamaModel))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.ThrowIfImpossible();
        Config = config;
        _backbone = new LlamaBackbone(config, matrixDevice);
        _head = config.TieWordEmbeddings ? null : new QuantizedLinear(config.HiddenSize, config.VocabularySize, weightDevice: matrixDevice);
        _rotary = new RotaryEmbedding(config.HeadSize, config.RopeTheta, config.UsableContextTokens, config.RopeScaling);
        RegisterComponents();
    }

    /// <summary>Creates a model for frozen weights: its matrices have a shape and no values until every layer is given its <see cref="IQuantizableLayer.Frozen"/>, and no parameter takes a gradient.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <exception cref="InputException">The shape is impossible; every fault is named.</exception>
    internal static LlamaModel WithoutMatrices(LlamaConfig config)
    {
        LlamaModel model = new(config, META);
        foreach (TorchSharp.Modules.Parameter parameter in model.parameters())
            parameter.requires_grad = false;
        return model;
    }

    /// <summary>Shape of the model.</summary>
    public LlamaConfig Config { get; }

    /// <summary>Everything but the head.</summary>
    public LlamaBackbone Backbone => _backbone;

    /// <summary>Output head; null where it is the embedding.</summary>
    public QuantizedLinear? Head => _head;

    /// <summary>Tables of rotary positions.</summary>
    internal RotaryEmbedding Rotary => _rotary;

    /// <inheritdoc/>
    public override int VocabularySize => Config.VocabularySize;

    /// <inheritdoc/>
    public override int ContextTokens => Config.UsableContextTokens;

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, IQuantizableLayer Layer)> QuantizableLayers
    {
        get
        {
            // Modules come breadth first, parameters in checkpoint order.
            Dictionary<string, IQuantizableLayer> layers = named_modules()
                .Where(entry => entry.module is IQuantizableLayer)
                .ToDictionary(entry => entry.name + ".weight", entry => (IQuantizableLayer)entry.module);
            return [.. named_parameters()
                .Where(entry => layers.ContainsKey(entry.name))
                .Select(entry => (entry.name[..^".weight".Length], layers[entry.name]))];
        }
    }

    /// <inheritdoc/>
    public override Tensor HiddenStates(Tensor tokens, KeyValueCache? cache = null)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        using DisposeScope scope = NewDisposeScope();
        AttentionContext context = AttentionContext.Create(_rotary, (int)tokens.shape[1], cache, tokens.device);
        int tokenCount = (int)tokens.shape[1];
        Device device = tokens.device;
        Tensor hidden = GradientCheckpointing && cache is null && is_grad_enabled()
            ? _backbone.Run(tokens, context, () => AttentionContext.Create(_rotary, tokenCount, null, device))
            : _backbone.Run(tokens, context);
        cache?.Advance((int)tokens.shape[1]);
        return hidden.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Logits(Tensor hidden) =>
        _head is { } head ? head.forward(hidden) : _backbone.Embedding.Project(hidden);

    /// <inheritdoc/>
    public override LogitFactors? FactorLogits(Tensor hidden)
    {
        IQuantizableLayer layer = _head is { } head ? head : _backbone.Embedding;
        Tensor input = _head?.QuantizedInput(hidden) ?? hidden;
        return layer.Frozen?.ConstantWeight(layer.WeightQuantizer) is { } constant
            ? new(input, layer.Weight) { Frozen = constant }
            : new(input, layer.EffectiveWeight());
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _rotary.Dispose();
        base.Dispose(disposing);
    }
}
