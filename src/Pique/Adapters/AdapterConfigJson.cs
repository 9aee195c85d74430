using System.Text.Json;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.HuggingFace;

namespace Pique.Adapters;

/// <summary>Reads and writes adapter_config.json as Hugging Face's PEFT has it. No field of ours is among its own: some versions of PEFT refuse what they do not know.</summary>
internal static class AdapterConfigJson
{
    private const long MaxBytes = 1 << 20;
    private const string Fix = "save the adapter again as plain LoRA";

    /// <summary>Writes the file.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="adapter">The adapters.</param>
    /// <param name="baseModel">Path or name of the base.</param>
    /// <param name="dropout">Share of rank components left out of a training step.</param>
    public static void Write(string path, AdaptedModel adapter, string baseModel, float dropout) => AtomicFile.Write(path, stream =>
    {
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject("alpha_pattern");
            json.WriteEndObject();
            json.WriteNull("auto_mapping");
            json.WriteString("base_model_name_or_path", baseModel);
            json.WriteString("bias", "none");
            json.WriteBoolean("fan_in_fan_out", false);
            json.WriteBoolean("inference_mode", true);
            json.WriteBoolean("init_lora_weights", true);
            json.WriteNull("layers_pattern");
            json.WriteNull("layers_to_transform");
            json.WriteNumber("lora_alpha", adapter.Alpha);
            json.WriteNumber("lora_dropout", dropout);
            json.WriteNull("modules_to_save");
            json.WriteString("peft_type", "LORA");
            json.WriteNumber("r", adapter.Rank);
            json.WriteStartObject("rank_pattern");
            json.WriteEndObject();
            json.WriteNull("revision");
            json.WriteStartArray("target_modules");
            foreach (string target in AdapterTargets.NamesFor(adapter.Model, [.. adapter.Adapters.Select(entry => entry.Name)]))
                json.WriteStringValue(target);
            json.WriteEndArray();
            json.WriteString("task_type", "CAUSAL_LM");
            json.WriteBoolean("use_dora", false);
            json.WriteBoolean("use_rslora", false);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
    });

    /// <summary>Reads rank and alpha. Which layers are adapted, the tensors say.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file is missing or no JSON.</exception>
    /// <exception cref="ConfigurationException">It describes another kind of adapter; holds every fault.</exception>
    public static (int Rank, float Alpha) Read(string path)
    {
        using JsonDocument document = JsonFile.Parse(path, MaxBytes);
        JsonFields fields = new(document.RootElement, Fix);
        fields.RequireText("peft_type", "\"LORA\"", "Pique reads no other kind of adapter");
        int rank = fields.Count("r");
        float alpha = fields.RequiredPositive("lora_alpha");
        foreach (string flag in (string[])["fan_in_fan_out", "use_dora", "use_rslora", "lora_bias"])
        {
            if (fields.Flag(flag, false))
                fields.Fault(flag, "true", "false, or nothing");
        }

        if (fields.Has("bias") && fields.Text("bias") != "none")
            fields.Fault("bias", fields.Shown("bias"), "\"none\", or nothing");
        foreach (string others in (string[])["rank_pattern", "alpha_pattern", "modules_to_save"])
        {
            if (fields.Has(others) && fields.RawText(others)!.Trim('[', ']', '{', '}', ' ', '\n', '\r', '\t').Length > 0)
                fields.Fault(others, fields.Shown(others), "none, or nothing");
        }

        return fields.Faults.Count > 0 ? throw new ConfigurationException(path, fields.Faults) : (rank, alpha);
    }
}
