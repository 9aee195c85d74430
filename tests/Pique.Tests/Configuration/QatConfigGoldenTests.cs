using System.Globalization;
using System.Text.Json;
using Pique.Configuration;

namespace Pique.Tests.Configuration;

/// <summary>Every column of every row that the Rust original of the format printed. Golden/README.md says how they were made.</summary>
public class QatConfigGoldenTests
{
    public static TheoryData<string> RowNames => [.. Rows().Select(row => row.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(RowNames))]
    public void Json_is_read_and_written_byte_for_byte(string name)
    {
        string pretty = Row(name).GetProperty("pretty").GetString()!;
        Assert.Equal(pretty, QatConfigJson.Write(Config(name)));
    }

    [Theory]
    [MemberData(nameof(RowNames))]
    public void Queries_agree(string name)
    {
        QatConfig config = Config(name);
        JsonElement row = Row(name);
        Assert.Equal((float)row.GetProperty("bpw").GetDouble(), config.NominalBitsPerWeight);
        Assert.Equal(row.GetProperty("is_pi").GetBoolean(), config.IsPiQuant);
        Assert.Equal(row.GetProperty("scale_grad").GetBoolean(), config.NeedsScaleGradient);
        Assert.Equal(row.GetProperty("num_levels").GetInt32(), config.LevelCount);
        Assert.Equal((row.GetProperty("range")[0].GetInt32(), row.GetProperty("range")[1].GetInt32()), config.SymmetricRange);
        QatLossWeights expected = new()
        {
            LambdaTask = (float)row.GetProperty("norm").GetProperty("lambda_task").GetDouble(),
            LambdaKd = (float)row.GetProperty("norm").GetProperty("lambda_kd").GetDouble(),
            LambdaReasoning = (float)row.GetProperty("norm").GetProperty("lambda_reasoning").GetDouble(),
            KdTemperature = (float)row.GetProperty("norm").GetProperty("kd_temperature").GetDouble(),
        };
        Assert.Equal(expected, config.LossWeights.Normalized);
    }

    [Theory]
    [MemberData(nameof(RowNames))]
    public void Parameter_counts_and_pi_steps_agree(string name)
    {
        QatConfig config = Config(name);
        int checkedColumns = 0;
        foreach (JsonProperty column in Row(name).EnumerateObject())
        {
            string[] parts = column.Name.Split('_');
            if (parts[0] == "params")
            {
                Assert.Equal(column.Value.GetInt64(), config.ParameterCount(long.Parse(parts[1], CultureInfo.InvariantCulture), long.Parse(parts[2], CultureInfo.InvariantCulture)));
                checkedColumns++;
            }
            else if (column.Name.StartsWith("pi_step_", StringComparison.Ordinal))
            {
                string digits = parts[2].StartsWith('0') ? $"0.{parts[2][1..]}" : parts[2];
                float? expected = column.Value.ValueKind == JsonValueKind.Null ? null : (float)column.Value.GetDouble();
                Assert.Equal(expected, config.PiStep(float.Parse(digits, CultureInfo.InvariantCulture)));
                checkedColumns++;
            }
        }

        Assert.Equal(4, checkedColumns);
    }

    [Theory]
    [MemberData(nameof(RowNames))]
    public void Validity_agrees_and_the_first_fault_concerns_the_same_field(string name)
    {
        IReadOnlyList<ConfigurationFault> faults = Config(name).Validate();
        JsonElement row = Row(name);
        Assert.Equal(row.GetProperty("valid").GetBoolean(), faults.Count == 0);
        if (row.GetProperty("error").GetString() is string error)
        {
            Assert.Equal("Loss weights must be non-negative", error);
            Assert.Equal("loss_weights.lambda_kd", faults[0].Path);
        }
    }

    [Fact]
    public void Rows_named_after_presets_are_those_presets()
    {
        Assert.Equal(QatConfig.Default, Config("default"));
        Assert.Equal(QatConfig.PiQ2, Config("piq2"));
    }

    private static IEnumerable<JsonElement> Rows() => GoldenFile.ReadLines("qatconfig-sample.jsonl").Select(line => JsonSerializer.Deserialize<JsonElement>(line));

    private static JsonElement Row(string name) => Rows().Single(row => row.GetProperty("name").GetString() == name);

    private static QatConfig Config(string name) => QatConfigJson.Examine(Row(name).GetProperty("pretty").GetString()!).Value!;
}
