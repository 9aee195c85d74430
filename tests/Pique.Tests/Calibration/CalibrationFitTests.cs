using Pique.Calibration;
using Pique.Configuration;
using Pique.Quantization;
using static TorchSharp.torch;

namespace Pique.Tests.Calibration;

public sealed class CalibrationFitTests
{
    private static readonly QatConfig Config = new() { Bits = 3, UseIncoherence = true };
    private static readonly CalibrationArtifact Artifact = new() { Method = CalibrationMethod.Mse, Seed = 7, Timestamp = default, ModelDigest = "aa", Config = Config, Tensors = [] };

    [Fact]
    public void What_no_scale_depends_on_may_differ()
    {
        Recipe recipe = RecipeOf(Config with { Epochs = 9, LearningRate = 1, LossWeights = new(), WeightDecay = 0, SteVariant = new SteVariant.LearnedStepSize(), UseDistillation = false });
        CalibrationFit.Require(Artifact, "c.json", "aa", recipe);
        CalibrationFit.Require(Artifact with { ModelDigest = null }, "c.json", "bb", recipe);
    }

    [Fact]
    public void Every_difference_is_named_at_once()
    {
        Recipe recipe = RecipeOf(Config with { Bits = 2, Granularity = new QuantGranularity.PerBlock(32), PiK = 3, Symmetric = false });
        Assert.Equal(
            """
            c.json: model_sha256: found aa, expected that of the model, bb; calibrate this model, or name the one that was calibrated.
            c.json: config.bits: found 3, expected 2, as the recipe has it; calibrate with this recipe.
            c.json: config.granularity: found PerChannel, expected PerBlock 32, as the recipe has it; calibrate with this recipe.
            c.json: config.pi_k: found null, expected 3, as the recipe has it; calibrate with this recipe.
            c.json: config.symmetric: found true, expected false, as the recipe has it; calibrate with this recipe.
            """,
            Assert.Throws<InputException>(() => CalibrationFit.Require(Artifact, "c.json", "bb", recipe)).Message);
    }

    [Fact]
    public void Bits_of_activations_matter_where_some_are_rounded()
    {
        Recipe recipe = RecipeOf(Config) with { ActivationBits = 4 };
        LayerOverride rounding = new() { Pattern = "*mlp*", Granularity = new QuantGranularity.PerToken() };
        CalibrationFit.Require(Artifact, "c.json", "aa", recipe);
        Assert.Equal(
            "c.json: activation_bits: found 8, expected 4, as the recipe has it; calibrate with this recipe.",
            Assert.Throws<InputException>(() => CalibrationFit.Require(Artifact, "c.json", "aa", recipe with { Overrides = [rounding] })).Message);
    }

    [Fact]
    public void A_method_that_is_stated_must_be_that_of_the_artifact()
    {
        Recipe recipe = RecipeOf(Config) with { Calibration = new() { Method = CalibrationMethod.Entropy, Weighted = true } };
        CalibrationFit.Require(Artifact with { Method = CalibrationMethod.Entropy, Weighted = true }, "c.json", "aa", recipe);
        CalibrationFit.Require(Artifact with { Method = CalibrationMethod.Entropy, Weighted = true }, "c.json", "aa", RecipeOf(Config));
        Assert.Equal(
            """
            c.json: method: found mse, expected entropy, as the recipe has it; calibrate with this recipe.
            c.json: weighted: found false, expected true, as the recipe has it; calibrate with this recipe.
            """,
            Assert.Throws<InputException>(() => CalibrationFit.Require(Artifact, "c.json", "aa", recipe)).Message);
    }

    [Fact]
    public void Bits_must_have_been_divided_as_the_recipe_asks()
    {
        CalibratedTensor tensor = new(3, 4, 6, [4, 1], [1, 1, 1, 1], null, null);
        CalibrationArtifact artifact = Artifact with
        {
            Tensors = [new("up", tensor), new("down", tensor)],
            Sensitivity = [new("up", 24, []) { ChosenBits = 3, Average = new("*", 2.5f) }, new("down", 24, []) { ChosenBits = 3, Average = new("*", 2.5f) }],
        };
        (string, IQuantizableLayer)[] layers = [("up", new QuantizedLinear(6, 4)), ("down", new QuantizedLinear(6, 4))];

        Assert.Equal(3, artifact.Resolve(PolicyOf(new LayerOverride { Pattern = "*", AverageBits = 2.5f }), layers).SpecFor("up")!.Bits);
        Assert.Equal(3, artifact.Resolve(PolicyOf(new LayerOverride { Pattern = "*", Bits = 3 }), layers).SpecFor("up")!.Bits);
        AssertRefused("up: found bits divided as \"auto:2.5\" over \"*\", expected bits divided as \"auto:4\" over \"*\"", artifact, new LayerOverride { Pattern = "*", AverageBits = 4 });
        AssertRefused("down: found bits divided as \"auto:2.5\" over \"*\", expected bits divided as \"auto:2.5\" over \"d*\"", artifact, new() { Pattern = "*", AverageBits = 2.5f }, new() { Pattern = "d*", AverageBits = 2.5f });
        AssertRefused("down: found bits divided as \"auto:2.5\" over \"*\", expected bits that calibration did not choose", artifact, new() { Pattern = "*", AverageBits = 2.5f }, new() { Pattern = "d*", Bits = 3 });
        AssertRefused("down: found bits that calibration did not choose, expected bits divided as \"auto:2.5\" over \"*\"", artifact with { Tensors = [new("up", tensor)] }, new LayerOverride { Pattern = "*", AverageBits = 2.5f });
        AssertRefused("up: found bits that calibration did not choose, expected bits divided as \"auto:2.5\" over \"*\"", artifact with { Sensitivity = [] }, new LayerOverride { Pattern = "*", AverageBits = 2.5f });

        QuantizationPolicy PolicyOf(params LayerOverride[] overrides) => QuantizationPolicy.From(new() { Qat = Config, Overrides = overrides });

        void AssertRefused(string expected, CalibrationArtifact refused, params LayerOverride[] overrides) => Assert.Equal(
            $"{expected}, as the recipe has it; calibrate this model with this recipe.", Assert.Throws<InputException>(() => refused.Resolve(PolicyOf(overrides), layers)).Message);
    }

    [Fact]
    public void The_seed_matters_where_weights_are_rotated_by_it()
    {
        Recipe other = RecipeOf(Config) with { Training = new() { Seed = 8 } };
        Assert.Equal(
            "c.json: seed: found 7, expected 8, from which the rotation of the weights is drawn; calibrate with this seed.",
            Assert.Throws<InputException>(() => CalibrationFit.Require(Artifact, "c.json", "aa", other)).Message);
        CalibrationFit.Require(
            Artifact with { Config = Config with { UseIncoherence = false } }, "c.json", "aa", other with { Qat = Config with { UseIncoherence = false } });
    }

    [Fact]
    public void Layers_and_shapes_must_be_those_of_the_model()
    {
        CalibrationArtifact artifact = Artifact with { Tensors = [new("linear", new(3, 4, 6, [4, 1], [1, 1, 1, 1], null, null))] };
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerChannel(), new SteVariant.Standard());

        CalibrationFit.RequireLayers(artifact, [("linear", new QuantizedLinear(6, 4))], _ => spec);
        AssertRefused("linear: found scales of a layer that the model does not have; calibrate this model.", ("other", new QuantizedLinear(6, 4)));
        AssertRefused("linear: found scales calibrated for a weight of shape [4, 6], expected [4, 5]; calibrate this model.", ("linear", new QuantizedLinear(5, 4)));
        AssertRefused(
            "other: found no calibrated scales, expected some; calibrate this model with this configuration.", ("linear", new QuantizedLinear(6, 4)), ("other", new QuantizedLinear(6, 4)));
        Assert.Equal(
            "linear: found scales of a layer that the recipe keeps in full precision; calibrate this model with this recipe.",
            Assert.Throws<InputException>(() => CalibrationFit.RequireLayers(artifact, [("linear", new QuantizedLinear(6, 4))], _ => null)).Message);

        void AssertRefused(string expected, params (string, IQuantizableLayer)[] layers) =>
            Assert.Equal(expected, Assert.Throws<InputException>(() => CalibrationFit.RequireLayers(artifact, layers, _ => spec)).Message);
    }

    [Fact]
    public void A_refused_artifact_changes_no_layer()
    {
        using Tensor rounded = ones(4, 6);
        CalibrationArtifact artifact = Artifact with
        {
            Tensors = [new("linear", new(3, 4, 6, [4, 1], [1, 1, 1, 1], null, null))],
            RoundedWeights = new Dictionary<string, Tensor> { ["linear"] = rounded },
        };
        (string, IQuantizableLayer)[] layers = [("linear", new QuantizedLinear(6, 4)), ("other", new QuantizedLinear(6, 4))];
        Assert.Throws<InputException>(() => artifact.Prepare(layers, _ => new(3, new QuantGranularity.PerChannel(), new SteVariant.Standard())));
        Assert.All(layers, layer => Assert.Null(layer.Item2.WeightQuantizer));
        Assert.Equal(new float[24], layers[0].Item2.Weight.detach().data<float>().ToArray());
    }

    private static Recipe RecipeOf(QatConfig config) => new() { Qat = config, Training = new() { Seed = 7 } };
}
