using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class CalibrationJsonTests
{
    [Fact]
    public void The_calibration_of_a_recipe_is_written_as_it_is_read()
    {
        string json = RecipeJson.Write(Read("""
            "calibration": {"method": "entropy", "weighted": false, "samples": {"general": 4, "code": 2}, "percentile": 0.99, "damping": 0.1, "activation_order": false, "artifact": "c.json"}
            """));

        Assert.Contains(
            """
              "calibration": {
                "method": "entropy",
                "weighted": false,
                "samples": {
                  "general": 4,
                  "reasoning": 0,
                  "tool_use": 0,
                  "code": 2
                },
                "percentile": 0.99,
                "damping": 0.1,
                "activation_order": false,
                "artifact": "c.json"
              },

            """,
            json,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_former_name_of_rounding_to_nearest_is_still_read()
    {
        Recipe recipe = Read("\"calibration\": {\"method\": \"absmax\"}");
        Assert.Equal(CalibrationMethod.Rtn, recipe.Calibration.Method);
        Assert.Contains("\"method\": \"rtn\"", RecipeJson.Write(recipe), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mse", "", "false")]
    [InlineData("mse", ", \"weighted\": true", "true")]
    [InlineData("rtn", "", "false")]
    [InlineData("gptq", "", "true")]
    [InlineData("gptq", ", \"weighted\": null", "true")]
    [InlineData("gptq", ", \"weighted\": false", "false")]
    public void Errors_are_weighed_for_second_order_rounding_unless_stated(string method, string stated, string written) => Assert.Contains(
        $"\"weighted\": {written},\n", RecipeJson.Write(Read($"\"calibration\": {{\"method\": \"{method}\"{stated}}}")), StringComparison.Ordinal);

    [Fact]
    public void Another_method_weighs_errors_as_it_does_by_itself()
    {
        CalibrationRecipe mse = new() { Weighted = false, Damping = 0.1f };
        Assert.Equal(mse with { Method = CalibrationMethod.Gptq, Weighted = null }, mse.By(CalibrationMethod.Gptq));
        Assert.Same(mse, mse.By(CalibrationMethod.Mse));
        Assert.Same(mse, mse.By(null));
    }

    [Theory]
    [InlineData("auto:2.5", 2.5f)]
    [InlineData("auto:3", 3f)]
    public void Bits_that_calibration_is_to_choose_are_written_as_they_are_read(string bits, float average)
    {
        Recipe recipe = Read($"\"overrides\": [{{\"pattern\": \"*\", \"bits\": \"{bits}\"}}]");
        LayerOverride open = Assert.Single(recipe.Overrides);
        Assert.Equal((null, average), (open.Bits, open.AverageBits));
        Assert.Contains($"\"bits\": \"{bits}\",\n", RecipeJson.Write(recipe), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """ "calibration": {"method": "gptk"} """,
        "calibration.method: found the string \"gptk\", expected one of \"rtn\", \"percentile\", \"mse\", \"entropy\", \"gptq\"; write \"gptq\".")]
    [InlineData(
        """ "calibration": {"percentile": 0} """,
        "calibration.percentile: found 0.0, expected a share greater than 0.0, at most 1.0; set it to a value within.")]
    [InlineData(
        """ "calibration": {"damping": 1.5} """,
        "calibration.damping: found 1.5, expected a share greater than 0.0, at most 1.0; set it to a value within.")]
    [InlineData(
        """ "calibration": {"samples": {}} """,
        "calibration.samples: found no samples of any domain, expected one sample or more; set general, reasoning, tool_use or code, or set samples to null.")]
    [InlineData(
        """ "calibration": {"samples": {"general": 1, "code": -1}} """,
        "calibration.samples.code: found -1, expected 0 or more; set it to 0 or more.")]
    [InlineData(
        """ "calibration": {"artifact": ""} """,
        "calibration.artifact: found nothing, expected the path of a calibration.json, or null to calibrate; add \"artifact\".")]
    [InlineData(
        """ "overrides": [{"pattern": "*", "bits": "auto"}] """,
        "overrides[0].bits: found the string \"auto\", expected 2, 3, 4, 5, 8, an average as \"auto:2.5\", or null; write one of them.")]
    [InlineData(
        """ "overrides": [{"pattern": "*", "bits": "auto:1.5"}] """,
        "overrides[0].bits: found an average of 1.5, expected an average of 2 to 8; set it to a value within, as \"auto:2.5\".")]
    [InlineData(
        """ "overrides": [{"pattern": "*", "bits": "auto:9"}] """,
        "overrides[0].bits: found an average of 9, expected an average of 2 to 8; set it to a value within, as \"auto:2.5\".")]
    public void A_wrong_value_is_told_with_its_remedy(string fields, string expected) => Assert.Contains(
        expected,
        RecipeJson.Examine($$"""{"model": "m", "data": {"files": [{"path": "a.txt"}]}, {{fields}}}""").Faults.Select(fault => fault.ToString()));

    [Fact]
    public void Stated_bits_and_an_average_exclude_each_other() => Assert.Equal(
        "overrides[0].bits: found a number beside an average, expected one of them; remove one.",
        Assert.Single(new Recipe { Overrides = [new() { Pattern = "*", Bits = 3, AverageBits = 3 }] }.ValidateQuantization()).ToString());

    private static Recipe Read(string fields) => RecipeJson.Read($$"""{"model": "m", "data": {"files": [{"path": "a.txt"}]}, {{fields}}}""", "test");
}
