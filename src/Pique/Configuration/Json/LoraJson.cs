using System.Text.Json;

namespace Pique.Configuration;

/// <summary>JSON of a <see cref="LoraRecipe"/>.</summary>
internal static class LoraJson
{
    private const string AutoRank = "auto";
    private const string RankForms = "a whole number or \"auto\"";
    private const string TargetForms = "\"all-linear\" or a list of layer names";

    public static void Write(PrettyJsonWriter json, string name, LoraRecipe? lora) => json.Field(name, () =>
    {
        if (lora is null)
        {
            json.String(null);
            return;
        }

        json.Object(() =>
        {
            if (lora.Rank is LoraRank.Fixed rank)
                json.Field("rank", rank.Value);
            else
                json.Field("rank", AutoRank);
            json.Field("alpha", lora.Alpha);
            json.Field("dropout", lora.Dropout);
            if (lora.TargetModules is LoraTargets.Named named)
                json.List("target_modules", named.Names, json.String);
            else
                json.Field("target_modules", LoraTargets.AllLinear.Text);
            json.Field("base", lora.Base);
        });
    });

    public static LoraRecipe Read(ObjectReader fields)
    {
        LoraRecipe fallback = new();
        return new()
        {
            Rank = fields.Value("rank", fallback.Rank, ReadRank),
            Alpha = fields.Single("alpha", fallback.Alpha),
            Dropout = fields.Single("dropout", fallback.Dropout),
            TargetModules = fields.Value("target_modules", fallback.TargetModules, ReadTargets),
            Base = fields.Enum("base", fallback.Base),
        };
    }

    private static (bool IsRead, LoraRank Value) ReadRank(JsonElement element, string path, FaultCollector faults)
    {
        if (element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int rank))
            return (true, new LoraRank.Fixed(rank));
        bool isAuto = element.ValueKind == JsonValueKind.String && element.GetString() == AutoRank;
        if (!isAuto)
            faults.Add(path, JsonValue.Describe(element), RankForms, $"set it to {LoraRecipe.DefaultRank}, or to \"{AutoRank}\" for the greatest of {string.Join(", ", LoraRank.Auto.Candidates)} that fits");
        return (isAuto, new LoraRank.Auto());
    }

    private static (bool IsRead, LoraTargets Value) ReadTargets(JsonElement element, string path, FaultCollector faults)
    {
        if (element.ValueKind == JsonValueKind.String && element.GetString() == LoraTargets.AllLinear.Text)
            return (true, new LoraTargets.AllLinear());
        bool isList = element.ValueKind == JsonValueKind.Array && element.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String);
        if (!isList)
        {
            faults.Add(path, JsonValue.Describe(element), TargetForms, "write \"all-linear\", or names as [\"q_proj\", \"v_proj\"]");
            return (false, new LoraTargets.AllLinear());
        }

        return (true, new LoraTargets.Named([.. element.EnumerateArray().Select(item => item.GetString()!)]));
    }
}
