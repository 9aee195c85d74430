using System.Text.Json;
using Pique.Configuration;
using Pique.Models.Families;

namespace Pique.Formats.HuggingFace;

/// <summary>Rotary positions in config.json: "rope_theta" and "rope_scaling", or the "rope_parameters" of newer files that hold both.</summary>
internal static class RopeJson
{
    private const string ThetaKey = "rope_theta";
    private const string ScalingKey = "rope_scaling";
    private const string ParametersKey = "rope_parameters";
    private const string TypeKey = "rope_type";
    private const string LegacyTypeKey = "type";
    private const string PartialKey = "partial_rotary_factor";
    private const string Refusal = "Pique computes no other rotary positions; choose another checkpoint";
    private const string Disagreement = "make the two agree";

    /// <summary>Reads base and scaling. They may stand in either place; where they stand in both, both must say the same.</summary>
    /// <param name="fields">The whole of config.json; takes the faults.</param>
    /// <param name="family">Gives the base where none is stated.</param>
    public static (float Theta, RopeScaling? Scaling) Read(JsonFields fields, ModelFamily family)
    {
        int earlierFaults = fields.Faults.Count;
        RefusePartial(fields);
        float theta = fields.Positive(ThetaKey, family.DefaultRopeTheta);
        JsonFields?[] places = [fields.Object(ScalingKey), fields.Object(ParametersKey)];
        RopeScaling?[] scalings = [.. places.OfType<JsonFields>().Select(ReadScaling)];
        foreach (JsonFields rope in places.OfType<JsonFields>())
            theta = ReadTheta(rope, fields, theta);
        if (scalings.Distinct().Count() > 1 && fields.Faults.Count == earlierFaults)
            fields.Fault(ParametersKey, fields.Shown(ParametersKey), $"what {ScalingKey} says, {fields.Shown(ScalingKey)}", Disagreement);
        return (theta, scalings.LastOrDefault());
    }

    /// <summary>Writes "rope_scaling" and "rope_theta".</summary>
    /// <param name="json">Writer inside the object.</param>
    /// <param name="theta">Base of the rotary embedding.</param>
    /// <param name="scaling">How positions are stretched; null for not at all.</param>
    public static void Write(Utf8JsonWriter json, float theta, RopeScaling? scaling)
    {
        switch (scaling)
        {
            case null:
                json.WriteNull(ScalingKey);
                break;
            case RopeScaling.Linear linear:
                json.WriteStartObject(ScalingKey);
                WriteFloat("factor", linear.Factor);
                json.WriteString(TypeKey, "linear");
                json.WriteEndObject();
                break;
            case RopeScaling.Llama3 llama3:
                json.WriteStartObject(ScalingKey);
                WriteFloat("factor", llama3.Factor);
                WriteFloat("high_freq_factor", llama3.HighFrequencyFactor);
                WriteFloat("low_freq_factor", llama3.LowFrequencyFactor);
                json.WriteNumber("original_max_position_embeddings", llama3.OriginalContextTokens);
                json.WriteString(TypeKey, "llama3");
                json.WriteEndObject();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(scaling), scaling, "Unknown scaling.");
        }

        json.WriteNumber(ThetaKey, theta);

        // transformers tells 32 from 32.0 and warns of the former.
        void WriteFloat(string key, float number)
        {
            json.WritePropertyName(key);
            json.WriteRawValue(SerdeFloat.Format(number));
        }
    }

    private static RopeScaling? ReadScaling(JsonFields rope)
    {
        RefusePartial(rope);
        string typeKey = rope.Has(TypeKey) || !rope.Has(LegacyTypeKey) ? TypeKey : LegacyTypeKey;
        switch (rope.Text(typeKey))
        {
            case null when !rope.Has(typeKey) && rope.Has(ThetaKey):
            case "default":
                return null;
            case "linear":
                return new RopeScaling.Linear(rope.RequiredPositive("factor"));
            case "llama3":
                return ReadLlama3(rope);
            default:
                rope.Fault(typeKey, rope.Has(typeKey) ? rope.Shown(typeKey) : "nothing", "\"default\", \"linear\" or \"llama3\"", Refusal);
                return null;
        }
    }

    private static RopeScaling.Llama3 ReadLlama3(JsonFields rope)
    {
        RopeScaling.Llama3 scaling = new(
            rope.RequiredPositive("factor"),
            rope.RequiredPositive("low_freq_factor"),
            rope.RequiredPositive("high_freq_factor"),
            rope.Count("original_max_position_embeddings"));
        if (scaling.LowFrequencyFactor > 0 && scaling.HighFrequencyFactor > 0 && scaling.HighFrequencyFactor <= scaling.LowFrequencyFactor)
            rope.Fault("high_freq_factor", rope.Shown("high_freq_factor"), $"a number above low_freq_factor {rope.Shown("low_freq_factor")}");
        return scaling;
    }

    private static float ReadTheta(JsonFields rope, JsonFields fields, float theta)
    {
        if (!rope.Has(ThetaKey))
            return theta;
        float inner = rope.Positive(ThetaKey, theta);
        if (fields.Has(ThetaKey) && inner != theta)
            rope.Fault(ThetaKey, FormattableString.Invariant($"{inner}"), FormattableString.Invariant($"{theta} as at the top level"), Disagreement);
        return inner;
    }

    private static void RefusePartial(JsonFields fields)
    {
        if (fields.Has(PartialKey) && fields.Positive(PartialKey, absent: 1) != 1)
            fields.Fault(PartialKey, fields.Shown(PartialKey), "1.0", Refusal);
    }
}
