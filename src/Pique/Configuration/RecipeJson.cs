using System.Text.Json;

namespace Pique.Configuration;

/// <summary>The JSON of a <see cref="Recipe"/>: snake_case fields in declared order, laid out as <see cref="QatConfigJson"/> lays out its own.</summary>
public static class RecipeJson
{
    /// <summary>Writes a recipe with every field, without a line end after the last brace.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <returns>The text.</returns>
    public static string Write(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        PrettyJsonWriter json = new();
        json.Object(() =>
        {
            json.Field("qat", () => QatConfigJson.WriteObject(json, recipe.Qat));
            json.Field("model", recipe.Model);
            json.Field("teacher", recipe.Teacher);
            RecipePartsJson.Write(json, "data", recipe.Data);
            json.Field("activation_bits", recipe.ActivationBits);
            json.Field("grid", recipe.Grid);
            VariantJson.Write(json, "estimator", recipe.Estimator);
            json.Field("pi_k_per_channel", recipe.PiKPerChannel);
            json.Field("oscillation_dampening", recipe.OscillationDampening);
            RecipePartsJson.Write(json, "training", recipe.Training);
            LoraJson.Write(json, "lora", recipe.Lora);
            CalibrationJson.Write(json, "calibration", recipe.Calibration);
            json.List("overrides", recipe.Overrides, layers => json.Object(() =>
            {
                json.Field("pattern", layers.Pattern);
                CalibrationJson.WriteBits(json, "bits", layers);
                VariantJson.Write(json, "granularity", layers.Granularity);
                json.Field("full_precision", layers.FullPrecision);
            }));
        });
        return json.ToString();
    }

    /// <summary>Reads and validates a recipe. Missing fields take their defaults; paths stay as written.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">File or argument it came from, for the message.</param>
    /// <returns>The recipe.</returns>
    /// <exception cref="ConfigurationException">The text is no recipe or a value is not valid; lists every fault.</exception>
    public static Recipe Read(string json, string source) => Examine(json).ValueOrThrow(source);

    /// <summary>Reads a recipe and lists its faults without throwing.</summary>
    /// <param name="json">The text.</param>
    /// <returns>The recipe, where the text is one, and every fault.</returns>
    public static ConfigurationReading<Recipe> Examine(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return ConfigurationDocument.Read(json, ReadObject, RecipeRules.Check);
    }

    internal static Recipe ReadObject(ObjectReader fields)
    {
        Recipe fallback = new();
        return new Recipe
        {
            Qat = fields.Object("qat", fallback.Qat, QatConfigJson.ReadObject),
            Model = fields.String("model", fallback.Model),
            Teacher = fields.OptionalString("teacher", fallback.Teacher),
            Data = fields.Object("data", fallback.Data, RecipePartsJson.ReadData),
            ActivationBits = fields.Int32("activation_bits", fallback.ActivationBits),
            Grid = fields.Enum("grid", fallback.Grid),
            Estimator = fields.Value("estimator", fallback.Estimator, VariantJson.ReadEstimator),
            PiKPerChannel = fields.Boolean("pi_k_per_channel", fallback.PiKPerChannel),
            OscillationDampening = fields.Single("oscillation_dampening", fallback.OscillationDampening),
            Training = fields.Object("training", fallback.Training, RecipePartsJson.ReadTraining),
            Lora = fields.OptionalObject("lora", fallback.Lora, LoraJson.Read),
            Calibration = fields.Object("calibration", fallback.Calibration, CalibrationJson.Read),
            Overrides = fields.List("overrides", fallback.Overrides, ReadOverride),
        };
    }

    private static LayerOverride ReadOverride(ObjectReader fields)
    {
        string pattern = fields.String("pattern", "");
        (int? bits, float? average) = fields.Value<(int?, float?)>("bits", (null, null), CalibrationJson.ReadBits);
        return new()
        {
            Pattern = pattern,
            Bits = bits,
            AverageBits = average,
            Granularity = fields.Value<QuantGranularity?>("granularity", null, (element, path, faults) =>
                element.ValueKind == JsonValueKind.Null ? (true, null) : VariantJson.ReadGranularity(element, path, faults)),
            FullPrecision = fields.Boolean("full_precision", false),
        };
    }
}
