using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Models;

/// <summary>A decoder-only language model: tokens in, the next token's logits out.</summary>
public abstract class CausalLanguageModel : nn.Module<Tensor, Tensor>
{
    private ScalarType _productType = ScalarType.Float32;

    /// <summary>Creates the model.</summary>
    /// <param name="name">Name of the module.</param>
    protected CausalLanguageModel(string name) : base(name)
    {
    }

    /// <summary>Token ids the model knows.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>Longest sequence the model can be used with.</summary>
    public abstract int ContextTokens { get; }

    /// <summary>Every layer whose weight can be quantized, in checkpoint order, by its checkpoint name without ".weight". A tied head is not listed: its weight is the embedding's.</summary>
    public abstract IReadOnlyList<(string Name, IQuantizableLayer Layer)> QuantizableLayers { get; }

    /// <summary>The module that holds the weights this one computes with: itself, unless it only looks at another.</summary>
    public virtual nn.Module WeightOwner => this;

    /// <summary>Whether a pass that gradients will be asked of keeps only the inputs of its blocks and computes the blocks again for the gradients: less memory, the same bits.</summary>
    public bool GradientCheckpointing { get; set; }

    /// <summary>Type that the factors of products with weights that are not frozen are rounded to: float32, or bfloat16 for the time of a training run. What goes in and comes out is float32.</summary>
    public ScalarType ProductType
    {
        get => _productType;
        set
        {
            _productType = value;
            foreach (QuantizedLinear layer in modules().OfType<QuantizedLinear>())
                layer.ProductType = value;
        }
    }

    /// <summary>Hidden states after the final norm.</summary>
    /// <param name="tokens">Token ids, shape [batch, tokens], int64.</param>
    /// <param name="cache">Keys and values of earlier tokens, extended by this call; null for none.</param>
    /// <returns>Shape [batch, tokens, hidden], float32.</returns>
    public abstract Tensor HiddenStates(Tensor tokens, KeyValueCache? cache = null);

    /// <summary>Applies the output head.</summary>
    /// <param name="hidden">Hidden states after the final norm, shape [..., hidden].</param>
    /// <returns>Logits, shape [..., vocabulary].</returns>
    public abstract Tensor Logits(Tensor hidden);

    /// <summary>The factors whose product <see cref="Logits"/> is, for those who take it in parts.</summary>
    /// <param name="hidden">Hidden states after the final norm, shape [..., hidden].</param>
    /// <returns>The factors, in the caller's dispose scope; null where the head is more than a product.</returns>
    public virtual LogitFactors? FactorLogits(Tensor hidden) => null;

    /// <inheritdoc/>
    public override Tensor forward(Tensor tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        return Logits(HiddenStates(tokens)).MoveToOuterDisposeScope();
    }
}
