using CsCheck;
using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class QatConfigJsonTests
{
    [Fact]
    public void Any_valid_configuration_survives_writing_and_reading() =>
        ConfigurationGenerators.Config.Sample(config =>
        {
            string json = QatConfigJson.Write(config);
            QatConfig read = QatConfigJson.Read(json, "test");
            Assert.Equal(config, read);
            Assert.Equal(json, QatConfigJson.Write(read));
        });

    [Fact]
    public void Missing_fields_take_their_defaults()
    {
        Assert.Equal(QatConfig.Default, QatConfigJson.Read("{}", "test"));
        Assert.Equal(QatConfig.WithBits(3), QatConfigJson.Read("""{"bits": 3, "loss_weights": {"lambda_kd": 0.5}}""", "test"));
        Assert.Equal(new SteVariant.Ewgs(0.1f), QatConfigJson.Read("""{"ste_variant": {"Ewgs": {}}}""", "test").SteVariant);
    }

    [Fact]
    public void A_null_is_an_absent_value_and_a_whole_number_is_a_float()
    {
        QatConfig config = QatConfigJson.Read("""{"grad_clip": null, "pi_k": null, "learning_rate": 1}""", "test");
        Assert.Equal(QatConfig.Default with { GradClip = null, LearningRate = 1.0f }, config);
    }

    [Fact]
    public void All_faults_of_form_and_value_come_at_once()
    {
        const string json = """
            {"bits": 6, "ste_variant": {"Clipped": {"clip_val": 0}}, "granularity": "PerBlok", "loss_weights": {"lambda_kdd": 1, "kd_temperature": "3"},
             "epochs": 0, "learning_rate": 1e39, "pi_k": 7, "warmup_epoch": 2, "bits": 4}
            """;
        ConfigurationException error = Assert.Throws<ConfigurationException>(() => QatConfigJson.Read(json, "bad.json"));
        Assert.Equal(
            """
            bad.json: 10 faults
              bits: found the field a second time, expected each field once; keep one of them.
              granularity: found the string "PerBlok", expected "PerTensor", "PerChannel", "PerToken" or {"PerBlock": {"block_size": 32}}; write PerBlock in the form shown.
              loss_weights.kd_temperature: found the string "3", expected a number within the range of single precision; write a number as 0.5 or 1e-4, without quotes.
              loss_weights.lambda_kdd: found the unknown field "lambda_kdd", expected one of lambda_task, lambda_kd, lambda_reasoning, kd_temperature; write lambda_kd, or remove it.
              learning_rate: found 1e39, expected a number within the range of single precision; write a number as 0.5 or 1e-4, without quotes.
              warmup_epoch: found the unknown field "warmup_epoch", expected one of bits, ste_variant, granularity, loss_weights, epochs, learning_rate, pi_k, use_incoherence, symmetric, warmup_epochs, grad_clip, weight_decay, use_distillation, freeze_teacher; write warmup_epochs, or remove it.
              bits: found 6, expected 2, 3, 4, 5 or 8; set it to 5.
              ste_variant.Clipped.clip_val: found 0.0, expected a finite number greater than zero; set it to a value as 1.0.
              epochs: found 0, expected 1 or more; set it to 1 or more.
              pi_k: found 7, expected 2, 3, 4 or 5; set it to 5.
            """,
            error.Message);
        Assert.Equal(10, error.Faults.Count);
    }

    [Theory]
    [InlineData("""{"bits": "4"}""", "bits")]
    [InlineData("""{"bits": 4.0}""", "bits")]
    [InlineData("""{"bits": 99999999999}""", "bits")]
    [InlineData("""{"bits": null}""", "bits")]
    [InlineData("""{"symmetric": 1}""", "symmetric")]
    [InlineData("""{"learning_rate": 1e99999999999}""", "learning_rate")]
    [InlineData("""{"learning_rate": "NaN"}""", "learning_rate")]
    [InlineData("""{"learning_rate": null}""", "learning_rate")]
    [InlineData("""{"learning_rate": -0.0}""", "learning_rate")]
    [InlineData("""{"loss_weights": null}""", "loss_weights")]
    [InlineData("""{"loss_weights": []}""", "loss_weights")]
    [InlineData("""{"loss_weights": {"lambda_kd": 1, "lambda_kd": 1}}""", "loss_weights.lambda_kd")]
    [InlineData("""{"ste_variant": "Clipped"}""", "ste_variant")]
    [InlineData("""{"ste_variant": {"Standard": {}}}""", "ste_variant")]
    [InlineData("""{"ste_variant": {"Clipped": {}, "Ewgs": {}}}""", "ste_variant")]
    [InlineData("""{"ste_variant": {"Clipped": {"clip": 1}}}""", "ste_variant.Clipped.clip")]
    [InlineData("""{"ste_variant": {"Ewgs": {"lambda": -1}}}""", "ste_variant.Ewgs.lambda")]
    [InlineData("""{"ste_variant": {"EwgsSigned": {"delta": 0.05}}}""", "ste_variant")]
    [InlineData("""{"ste_variant": "EwgsSigned"}""", "ste_variant")]
    [InlineData("""{"granularity": {"PerBlock": {}}}""", "granularity.PerBlock.block_size")]
    [InlineData("""{"granularity": {"PerBlock": {"block_size": 0}}}""", "granularity.PerBlock.block_size")]
    [InlineData("""{"granularity": {"PerBlock": 32}}""", "granularity.PerBlock")]
    [InlineData("""{"a\nb": 1}""", "[\"a\uFFFDb\"]")]
    [InlineData("""{"": 1}""", "[\"\"]")]
    public void A_wrong_value_is_one_fault_at_its_path(string json, string path) =>
        Assert.Equal(path, Assert.Single(QatConfigJson.Examine(json).Faults).Path);

    [Fact]
    public void A_configuration_with_the_estimator_that_its_format_lacks_is_not_valid() => Assert.Equal(
        "ste_variant: found EwgsSigned, which the configuration format lacks, expected \"Standard\", {\"Clipped\": {\"clip_val\": 1.0}}, \"LearnedStepSize\" or {\"Ewgs\": {\"lambda\": 0.1}}; set it as the recipe's \"estimator\", beside \"qat\", instead.",
        Assert.Single(new QatConfig { SteVariant = new SteVariant.EwgsSigned() }.Validate()).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("3")]
    [InlineData("null")]
    [InlineData("{} {}")]
    [InlineData("{}x")]
    [InlineData("{\"bits\": 4")]
    [InlineData("{\"bits\": 4,}")]
    [InlineData("{\"learning_rate\": NaN}")]
    [InlineData("{\"learning_rate\": 01}")]
    [InlineData("// none\n{}")]
    [InlineData("{\"model\": \"\\ud800\"}")]
    [InlineData("{\"\\ud800\": 1}")]
    public void A_text_that_is_no_json_object_is_one_fault_of_the_document(string json)
    {
        ConfigurationReading<QatConfig> reading = QatConfigJson.Examine(json);
        Assert.Null(reading.Value);
        Assert.Equal("$", Assert.Single(reading.Faults).Path);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_a_fault_of_the_document() =>
        Assert.Equal("$", Assert.Single(QatConfigJson.Examine("{\"\ud800\": 1}").Faults).Path);

    [Fact]
    public void Trailing_text_is_located()
    {
        ConfigurationException error = Assert.Throws<ConfigurationException>(() => QatConfigJson.Read("{\n  \"bits\": 4\n} x", "bad.json"));
        Assert.Equal(
            "bad.json: $: found text that is no JSON (line 3, byte 3: 'x' is invalid after a single JSON value. Expected end of data), expected one JSON object, at most 16 levels deep, without comments; mend it there.",
            error.Message);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{\"bits\":")]
    public void Deep_nesting_ends_in_a_fault(string opening)
    {
        string json = string.Concat(Enumerable.Repeat(opening, 100_000));
        Assert.Equal("$", Assert.Single(QatConfigJson.Examine(json).Faults).Path);
    }

    [Fact]
    public void No_damaged_text_ends_in_anything_but_faults() =>
        Gen.Select(ConfigurationGenerators.Config, Gen.Int[0, 10_000], Gen.Char).Sample((config, position, character) =>
        {
            string json = QatConfigJson.Write(config);
            int index = position % json.Length;
            ConfigurationReading<QatConfig> reading = QatConfigJson.Examine($"{json[..index]}{character}{json[(index + 1)..]}");
            Assert.True(reading.Value is not null || reading.Faults.Count > 0);
        });
}
