using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

public sealed class ModelQuantizerTests
{
    private static readonly WeightQuantizationSpec PerToken = new(4, new QuantGranularity.PerToken(), new SteVariant.LearnedStepSize());

    [Fact]
    public void Prepared_layers_compute_with_the_weights_that_convert_packs_and_remove_leads_back()
    {
        using DisposeScope scope = NewDisposeScope();
        (string Name, IQuantizableLayer Layer)[] layers = Layers();
        QuantizedLinear linear = (QuantizedLinear)layers[0].Layer;
        Tensor input = QuantizationCases.Matrix(QuantizationCases.Weights(3, 9, seed: 8), 3, 9);
        float[] before = linear.forward(input).data<float>().ToArray();

        ModelQuantizer.Prepare(layers, name => name == "linear" ? PerToken with { Granularity = new QuantGranularity.PerBlock(4) } : null, ScaleMethod.MinimumError);
        IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.Convert(layers);

        Assert.Equal(["linear"], packed.Keys);
        Assert.Null(linear.ActivationQuantizer);
        Assert.Same(layers[1].Layer.Weight, layers[1].Layer.EffectiveWeight());
        Assert.Equal(QuantizationCases.Bits(linear.EffectiveWeight()), QuantizationCases.Bits(packed["linear"].Dequantize()));
        float[] quantized = linear.forward(input).data<float>().ToArray();
        Assert.NotEqual(before, quantized);

        ModelQuantizer.Remove(layers);
        Assert.Equal(before, linear.forward(input).data<float>().ToArray());
        Assert.Empty(ModelQuantizer.Convert(layers));
    }

    [Fact]
    public void Held_weights_stay_what_they_were_until_the_hold_ends_and_take_no_gradient()
    {
        using DisposeScope scope = NewDisposeScope();
        (string Name, IQuantizableLayer Layer)[] layers = Layers();
        QuantizedLinear linear = (QuantizedLinear)layers[0].Layer;
        ModelQuantizer.Prepare(layers, _ => PerToken, ScaleMethod.AbsMax);
        float[] before = linear.EffectiveWeight().data<float>().ToArray();
        using (ModelQuantizer.HoldWeights(layers))
        using (no_grad())
        {
            linear.Weight.mul_(2f);
            Assert.Equal(before, linear.EffectiveWeight().data<float>().ToArray());
            using IDisposable gradient = enable_grad();
            string message = Assert.Throws<InvalidOperationException>(linear.EffectiveWeight).Message;
            Assert.Equal("linear: its fake-quantized weight is held, which has no gradient; dispose the hold before training.", message);
        }

        Assert.NotEqual(before, linear.EffectiveWeight().data<float>().ToArray());
    }

    [Fact]
    public void Per_token_also_quantizes_the_activations_of_linear_layers()
    {
        (string Name, IQuantizableLayer Layer)[] layers = Layers();
        ModelQuantizer.Prepare(layers, _ => PerToken, ScaleMethod.AbsMax, activationBits: 6);
        Assert.Equal(6, ((QuantizedLinear)layers[0].Layer).ActivationQuantizer!.Bits);
        ModelQuantizer.Remove(layers);
        Assert.Null(((QuantizedLinear)layers[0].Layer).ActivationQuantizer);
    }

    [Fact]
    public void Strength_and_invariants_reach_every_quantizer()
    {
        (string Name, IQuantizableLayer Layer)[] layers = Layers();
        ModelQuantizer.Prepare(layers, _ => PerToken, ScaleMethod.AbsMax);
        ModelQuantizer.SetStrength(layers, 0.5f);
        using (no_grad())
            layers[1].Layer.WeightQuantizer!.LearnedParameter!.neg_();
        ModelQuantizer.EnforceInvariants(layers);
        Assert.All(layers, entry => Assert.Equal(0.5f, entry.Layer.WeightQuantizer!.Strength));
        Assert.All(layers[1].Layer.WeightQuantizer!.LearnedParameter!.data<float>().ToArray(), scale => Assert.Equal(HalfScale.Floor, scale));
    }

    [Fact]
    public void Rounding_to_nearest_with_the_best_scale_beats_the_covering_scale()
    {
        using DisposeScope scope = NewDisposeScope();
        (string Name, IQuantizableLayer Layer)[] layers = Layers();
        Tensor weight = layers[0].Layer.Weight;
        WeightQuantizationSpec spec = PerToken with { Estimator = new SteVariant.Standard(), Bits = 3 };
        double Sqnr(ScaleMethod method) => QuantizationError.Measure(weight, ModelQuantizer.RoundToNearest(layers, _ => spec, method)["linear"].Dequantize()).SqnrDecibels;
        Assert.True(Sqnr(ScaleMethod.MinimumError) > Sqnr(ScaleMethod.AbsMax) + 0.1);
    }

    [Fact]
    public void A_bad_weight_leaves_every_layer_as_it_was()
    {
        (string Name, IQuantizableLayer Layer)[] layers = Layers();
        using (no_grad())
            layers[1].Layer.Weight[2, 1] = float.NaN;
        InputException error = Assert.Throws<InputException>(() => ModelQuantizer.Prepare(layers, _ => PerToken, ScaleMethod.AbsMax));
        Assert.StartsWith("embedding.weight[2, 1]: found NaN", error.Message, StringComparison.Ordinal);
        Assert.All(layers, entry => Assert.Null(entry.Layer.WeightQuantizer));
    }

    [Fact]
    public void Ten_steps_of_learned_scales_lower_the_reconstruction_error()
    {
        using DisposeScope scope = NewDisposeScope();
        (string Name, IQuantizableLayer Layer)[] layers = Layers();
        WeightQuantizationSpec spec = new(2, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize(), 3);
        ModelQuantizer.Prepare(layers, _ => spec, ScaleMethod.AbsMax);
        IQuantizableLayer layer = layers[0].Layer;
        using optim.Optimizer optimizer = optim.Adam([layer.WeightQuantizer!.LearnedParameter!], lr: 0.01);
        List<float> losses = [];
        for (int step = 0; step < 10; step++)
        {
            using DisposeScope stepScope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor loss = layer.EffectiveWeight().sub(layer.Weight.detach()).Squared().mean();
            losses.Add(loss.item<float>());
            loss.backward();
            optimizer.step();
            ModelQuantizer.EnforceInvariants(layers);
        }

        Assert.True(losses[^1] < 0.9 * losses[0], string.Join(", ", losses));
    }

    private static (string Name, IQuantizableLayer Layer)[] Layers()
    {
        QuantizedLinear linear = new(9, 12);
        QuantizedEmbedding embedding = new(5, 9);
        using (no_grad())
        {
            linear.Weight.copy_(QuantizationCases.Matrix(QuantizationCases.Weights(12, 9, seed: 1), 12, 9));
            embedding.Weight.copy_(QuantizationCases.Matrix(QuantizationCases.Weights(5, 9, seed: 2), 5, 9));
        }

        return [("linear", linear), ("embedding", embedding)];
    }
}
