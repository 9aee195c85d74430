using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>A token embedding whose table can be fake-quantized.</summary>
public sealed class QuantizedEmbedding : nn.Module<Tensor, Tensor>, IQuantizableLayer
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    /// <summary>Creates a table of zeros.</summary>
    /// <param name="vocabularySize">Rows of the table.</param>
    /// <param name="hiddenSize">Width of a row.</param>
    public QuantizedEmbedding(long vocabularySize, long hiddenSize) : base(nameof(QuantizedEmbedding))
    {
        _weight = new Parameter(zeros(vocabularySize, hiddenSize));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public Parameter Weight => _weight;

    /// <inheritdoc/>
    public FakeQuantizer? WeightQuantizer { get; set; }

    /// <inheritdoc/>
    public Tensor EffectiveWeight() => WeightQuantizer is { } quantizer ? quantizer.forward(_weight) : _weight;

    /// <summary>Looks tokens up.</summary>
    /// <param name="tokens">Token ids, shape [...], int64.</param>
    /// <returns>Shape [..., hidden].</returns>
    public override Tensor forward(Tensor tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = EffectiveWeight().index_select(0, tokens.reshape(-1));
        return rows.reshape([.. tokens.shape, -1]).MoveToOuterDisposeScope();
    }
}
