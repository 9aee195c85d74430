using Pique.Calibration;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Quantization;
using static TorchSharp.torch;

namespace Pique.Tests.Calibration;

public sealed class CalibrationFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pique-calibration").FullName;

    private string FilePath => Path.Combine(_folder, CalibrationFile.FileName);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true, null)]
    [InlineData(true, 4)]
    [InlineData(false, null)]
    public void A_saved_artifact_prepares_the_same_model(bool symmetric, int? piK)
    {
        QatConfig config = new() { Bits = 3, PiK = piK, Symmetric = symmetric, SteVariant = new SteVariant.LearnedStepSize(), Granularity = new QuantGranularity.PerBlock(4) };
        QuantizationPolicy policy = QuantizationPolicy.From(config, []);
        (string, IQuantizableLayer)[] layers = Layers();
        CalibrationArtifact artifact = WeightCalibration.Run(layers, policy.SpecFor, CalibrationMethod.Mse, config, seed: 7, new FixedClock());
        CalibrationFile.Save(FilePath, artifact);
        CalibrationArtifact loaded = CalibrationFile.Load(FilePath);

        Assert.Equal((artifact.Method, artifact.Seed, artifact.Timestamp, artifact.Config), (loaded.Method, loaded.Seed, loaded.Timestamp, loaded.Config));
        loaded.Prepare(layers, policy.SpecFor);
        QuantizedTensor fromFile = ModelQuantizer.Convert(layers)["linear"];
        QuantizedTensor direct = ModelQuantizer.RoundToNearest(layers, policy.SpecFor, ScaleMethod.MinimumError)["linear"];
        Assert.Equal(direct.PackedCodes.ToArray(), fromFile.PackedCodes.ToArray());
        Assert.Equal(direct.Scales.ToArray(), fromFile.Scales.ToArray());
        Assert.Equal(direct.ZeroPoints?.ToArray(), fromFile.ZeroPoints?.ToArray());
    }

    [Theory]
    [InlineData(WeightGrid.HalfInteger, "LearnedStepSize")]
    [InlineData(WeightGrid.TwoLevel, "LearnedStepSize")]
    [InlineData(WeightGrid.HalfInteger, "Standard")]
    [InlineData(WeightGrid.TwoLevel, "Standard")]
    public void A_saved_artifact_of_a_recipes_grid_prepares_the_same_model(WeightGrid grid, string estimator)
    {
        SteVariant variant = estimator == "Standard" ? new SteVariant.Standard() : new SteVariant.LearnedStepSize();
        Recipe recipe = new() { Grid = grid, Qat = new QatConfig { Bits = 3, Granularity = new QuantGranularity.PerBlock(16), SteVariant = variant } };
        QuantizationPolicy policy = QuantizationPolicy.From(recipe);
        (string, IQuantizableLayer)[] layers = Layers(inFeatures: 300);
        CalibrationFile.Save(FilePath, WeightCalibration.Run(layers, policy.SpecFor, CalibrationMethod.Mse, recipe.Qat, seed: 7, new FixedClock()));

        CalibrationFile.Load(FilePath).Prepare(layers, policy.SpecFor);

        QuantizedTensor fromFile = ModelQuantizer.Convert(layers)["linear"];
        QuantizedTensor direct = ModelQuantizer.RoundToNearest(layers, policy.SpecFor, ScaleMethod.MinimumError)["linear"];
        Assert.Equal(direct.DequantizeToArray(), fromFile.DequantizeToArray());
        Assert.Equal((policy.Base.Grid, grid == WeightGrid.TwoLevel), (fromFile.Grid, fromFile.SubScales is not null));
    }

    [Fact]
    public void Scales_for_another_grid_are_refused()
    {
        Recipe recipe = new() { Qat = new QatConfig { Bits = 3, Granularity = new QuantGranularity.PerBlock(16) } };
        (string, IQuantizableLayer)[] layers = Layers();
        Func<string, WeightQuantizationSpec?> PolicyOf(WeightGrid grid) => QuantizationPolicy.From(recipe with { Grid = grid }).SpecFor;
        CalibrationFile.Save(FilePath, WeightCalibration.Run(layers, PolicyOf(WeightGrid.HalfInteger), CalibrationMethod.Mse, recipe.Qat, seed: 7, new FixedClock()));
        CalibrationArtifact artifact = CalibrationFile.Load(FilePath);

        Assert.Equal(
            "linear: found scales calibrated for the grid half-integer, expected two's complement; calibrate this model with this recipe.",
            Assert.Throws<InputException>(() => artifact.Prepare(layers, PolicyOf(WeightGrid.Auto))).Message);
        Assert.Equal(
            "linear: found scales calibrated for the grid half-integer, expected two-level; calibrate this model with this recipe.",
            Assert.Throws<InputException>(() => artifact.Prepare(layers, PolicyOf(WeightGrid.TwoLevel))).Message);
    }

    [Fact]
    public void Equal_inputs_give_equal_bytes()
    {
        QatConfig config = new();
        byte[] Bytes()
        {
            CalibrationFile.Save(FilePath, WeightCalibration.Run(Layers(), QuantizationPolicy.From(config, []).SpecFor, CalibrationMethod.Rtn, config, 0, new FixedClock()));
            return File.ReadAllBytes(FilePath);
        }

        Assert.Equal(Bytes(), Bytes());
    }

    [Fact]
    public void Scales_for_other_bits_or_another_layout_are_refused()
    {
        (string, IQuantizableLayer)[] layers = Layers();
        QatConfig config = new();
        CalibrationArtifact artifact = WeightCalibration.Run(layers, QuantizationPolicy.From(config, []).SpecFor, CalibrationMethod.Rtn, config, 0, new FixedClock());
        Assert.Equal(
            "linear: found scales calibrated for 4 bits, expected 3; calibrate this model with this configuration.",
            Assert.Throws<InputException>(() => artifact.Prepare(layers, QuantizationPolicy.From(config with { Bits = 3 }, []).SpecFor)).Message);
        Assert.Equal(
            "linear: found calibrated scales of shape [12, 1], expected [12, 3]; calibrate this model with this configuration again.",
            Assert.Throws<InputException>(() => artifact.Prepare(
                layers, QuantizationPolicy.From(config with { Granularity = new QuantGranularity.PerBlock(3) }, []).SpecFor)).Message);
    }

    [Theory]
    [InlineData("", "found no calibration file")]
    [InlineData("[]", "found no calibration file")]
    [InlineData("{\"format_version\": 9}", "found format version 9, expected 2")]
    [InlineData("{\"format_version\": 2, \"method\": \"guess\"}", "method: found \"guess\", expected one of rtn, percentile, mse, entropy, gptq.")]
    public void A_file_that_is_none_is_refused(string content, string expected)
    {
        File.WriteAllText(FilePath, content);
        string message = Assert.Throws<InputException>(() => CalibrationFile.Load(FilePath)).Message;
        Assert.StartsWith(FilePath, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"scale_shape\": [12,1]", "\"scale_shape\": [4611686018427387904,4]", "found no calibration file")]
    [InlineData("\"scale_shape\": [12,1]", "\"scale_shape\": [12,2]", "found 12 scales and 0 zero points, expected 24")]
    [InlineData("\"scales\": [", "\"scales\": [-", "scales[0]: found -")]
    [InlineData("\"method\": \"rtn\"", "\"method\": \"gptq\"", "found the method gptq without rounded weights, expected their digest; calibrate again.")]
    [InlineData("\"tensors\": {", "\"tensors\": {\"linear\": {}, ", "found no calibration file")]
    [InlineData("\"bits\": 4,\n      \"shape\"", "\"bits\": 4, \"grid\": \"pi\", \"shape\"", "tensors.linear.grid: found \"pi\", expected \"half_integer\" or no such field")]
    [InlineData("\"bits\": 4,\n      \"shape\"", "\"bits\": 4, \"scale_levels\": 3, \"shape\"", "tensors.linear.scale_levels: found 3, expected 1 or 2")]
    public void Parts_that_disagree_are_refused(string original, string damaged, string expected)
    {
        QatConfig config = new();
        CalibrationFile.Save(FilePath, WeightCalibration.Run(Layers(), QuantizationPolicy.From(config, []).SpecFor, CalibrationMethod.Rtn, config, 0, new FixedClock()));
        string content = File.ReadAllText(FilePath);
        Assert.Contains(original, content, StringComparison.Ordinal);
        File.WriteAllText(FilePath, content.Replace(original, damaged, StringComparison.Ordinal));
        Assert.Contains(expected, Assert.Throws<InputException>(() => CalibrationFile.Load(FilePath)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Chosen_bits_come_back_with_the_average_that_they_are_part_of_and_not_without()
    {
        LayerSensitivity chosen = new("linear", 108, [new(2, 0.5), new(3, 0.25)]) { ChosenBits = 3, Average = new("*up*", 2.5f) };
        QatConfig config = new();
        CalibrationArtifact artifact = WeightCalibration.Run(Layers(), QuantizationPolicy.From(config, []).SpecFor, CalibrationMethod.Rtn, config, 0, new FixedClock());

        CalibrationFile.Save(FilePath, artifact with { Sensitivity = [chosen] });
        LayerSensitivity read = Assert.Single(CalibrationFile.Load(FilePath).Sensitivity);
        Assert.Equal((chosen.ChosenBits, chosen.Average), (read.ChosenBits, read.Average));

        CalibrationFile.Save(FilePath, artifact with { Sensitivity = [chosen with { Average = null }] });
        Assert.Equal(
            $"{FilePath}: sensitivity.linear: found chosen_bits without average_bits, expected both or neither; calibrate again.",
            Assert.Throws<InputException>(() => CalibrationFile.Load(FilePath)).Message);
    }

    [Fact]
    public void A_missing_file_is_named() => Assert.StartsWith(
        $"{FilePath}: cannot be read", Assert.Throws<InputException>(() => CalibrationFile.Load(FilePath)).Message, StringComparison.Ordinal);

    private static (string, IQuantizableLayer)[] Layers(int inFeatures = 9)
    {
        QuantizedLinear linear = new(inFeatures, 12);
        using (no_grad())
            linear.Weight.copy_(QuantizationCases.Matrix(QuantizationCases.Weights(12, inFeatures, seed: 1), 12, inFeatures));
        return [("linear", linear)];
    }

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    }
}
