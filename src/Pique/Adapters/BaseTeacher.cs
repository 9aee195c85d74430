using Pique.Models;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using static TorchSharp.torch;

namespace Pique.Adapters;

/// <summary>A model of frozen weights as it is without adapters and quantizers. It reads the same tensors as the model it is made of and takes no memory of its own.</summary>
internal sealed class BaseTeacher : CausalLanguageModel
{
    private readonly CausalLanguageModel _model;
    private readonly IReadOnlyList<FrozenLayer> _layers;

    /// <summary>Looks at a model.</summary>
    /// <param name="model">The model, which stays its owner's.</param>
    public BaseTeacher(CausalLanguageModel model) : base(nameof(BaseTeacher))
    {
        _model = model;
        _layers = [.. model.QuantizableLayers.Select(entry => entry.Layer.Frozen ?? throw new ArgumentException($"{entry.Name}: its weight is trained itself, so there is nothing to go back to.", nameof(model)))];
    }

    /// <inheritdoc/>
    public override nn.Module WeightOwner => _model;

    /// <inheritdoc/>
    public override int VocabularySize => _model.VocabularySize;

    /// <inheritdoc/>
    public override int ContextTokens => _model.ContextTokens;

    /// <summary>None: the teacher has no quantizers.</summary>
    public override IReadOnlyList<(string Name, IQuantizableLayer Layer)> QuantizableLayers => [];

    /// <inheritdoc/>
    public override Tensor HiddenStates(Tensor tokens, KeyValueCache? cache = null)
    {
        using IDisposable bypass = Bypass();
        return _model.HiddenStates(tokens, cache);
    }

    /// <inheritdoc/>
    public override Tensor Logits(Tensor hidden)
    {
        using IDisposable bypass = Bypass();
        return _model.Logits(hidden);
    }

    /// <inheritdoc/>
    public override LogitFactors? FactorLogits(Tensor hidden)
    {
        using IDisposable bypass = Bypass();
        return _model.FactorLogits(hidden);
    }

    private Bypassing Bypass() => new(_layers);

    private sealed class Bypassing : IDisposable
    {
        private readonly IReadOnlyList<FrozenLayer> _layers;

        public Bypassing(IReadOnlyList<FrozenLayer> layers)
        {
            _layers = layers;
            Set(true);
        }

        public void Dispose() => Set(false);

        private void Set(bool isBypassed)
        {
            foreach (FrozenLayer layer in _layers)
                layer.IsBypassed = isBypassed;
        }
    }
}
