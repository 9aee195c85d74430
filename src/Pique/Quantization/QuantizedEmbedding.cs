using Pique.Quantization.Frozen;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>A token embedding whose table can be fake-quantized.</summary>
public sealed class QuantizedEmbedding : nn.Module<Tensor, Tensor>, IQuantizableLayer
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;

    /// <summary>Creates a table of zeros.</summary>
    /// <param name="vocabularySize">Rows of the table.</param>
    /// <param name="hiddenSize">Width of a row.</param>
    /// <param name="weightDevice">Device of the table; META for its shape alone, where a frozen weight will take its place. Null for the CPU.</param>
    public QuantizedEmbedding(long vocabularySize, long hiddenSize, Device? weightDevice = null) : base(nameof(QuantizedEmbedding))
    {
        _weight = new Parameter(zeros(vocabularySize, hiddenSize, device: weightDevice));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public Parameter Weight => _weight;

    /// <inheritdoc/>
    public FrozenLayer? Frozen { get; set; }

    /// <inheritdoc/>
    public FakeQuantizer? WeightQuantizer { get; set; }

    /// <summary>Whether the table is the model's output head too, so that its quantizer meets the whole table in every pass.</summary>
    public bool IsHead { get; init; }

    /// <inheritdoc/>
    public void SetWeightType(ScalarType type)
    {
        Parameter before = _weight;
        if (before.dtype == type)
            return;
        _weight = LatentType.Converted(before, type);
        ConditionallyRegisterParameter("weight", _weight);
        before.Dispose();
    }

    /// <inheritdoc/>
    public Tensor EffectiveWeight() =>
        Frozen is { } frozen ? frozen.EffectiveWeight(WeightQuantizer) : WeightQuantizer is { } quantizer ? quantizer.forward(_weight) : _weight;

    /// <summary>Looks tokens up.</summary>
    /// <param name="tokens">Token ids, shape [...], int64.</param>
    /// <returns>Shape [..., hidden].</returns>
    public override Tensor forward(Tensor tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = tokens.reshape(-1);
        Tensor rows = Frozen is { } frozen ? frozen.SelectRows(flat, WeightQuantizer)
            : WeightQuantizer is { } quantizer ? quantizer.ForwardRows(_weight, flat, addsDampening: !IsHead)
            : SelectedRows.apply(_weight, flat);
        return rows.reshape([.. tokens.shape, -1]).MoveToOuterDisposeScope();
    }

    /// <summary>Computes hidden·tableᵀ: the output head of a model that has none of its own.</summary>
    /// <param name="hidden">Shape [..., hidden].</param>
    /// <returns>Shape [..., vocabulary].</returns>
    public Tensor Project(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = Frozen is { } frozen ? frozen.Multiply(hidden, WeightQuantizer, null) : nn.functional.linear(hidden, EffectiveWeight());
        return logits.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Frozen?.Dispose();
        base.Dispose(disposing);
    }
}
