using System.Text.Json;
using Pique.Configuration;
using Pique.Models.Families;
using Pique.Models.Llama;

namespace Pique.Formats.HuggingFace;

/// <summary>Reads and writes the config.json of a checkpoint of a Llama or one of its relatives.</summary>
public static class LlamaConfigJson
{
    /// <summary>Key under which a packed model describes its quantization.</summary>
    internal const string QuantizationKey = "quantization_config";

    /// <summary>Largest config.json accepted.</summary>
    internal const long MaxConfigBytes = 1 << 24;

    private const string Activation = "silu";
    private const string UnknownFamilyFix = "Pique computes no other family";
    private const string ConfigFix = "use the config.json of the checkpoint";

    /// <summary>What transformers assumes where config.json does not say.</summary>
    private const float DefaultRmsNormEpsilon = 1e-6f;

    private static readonly string KnownFamilies = $"one of {ModelFamily.KnownNames}";

    /// <summary>Longest context accepted; beyond it a position is no exact float32.</summary>
    private const int MaxContextTokens = 1 << 24;

    /// <summary>Reads a configuration. Keys that do not change what the model computes are passed over; keys that do and that Pique does not implement are refused.</summary>
    /// <param name="path">The config.json.</param>
    /// <exception cref="InputException">The file is missing or no JSON.</exception>
    /// <exception cref="ConfigurationException">It describes no model that Pique can compute; holds every fault.</exception>
    public static LlamaConfig Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using JsonDocument document = JsonFile.Parse(path, MaxConfigBytes);
        JsonFields fields = new(document.RootElement);
        ModelFamily family = ReadFamily(fields);
        if (fields.Has("hidden_act"))
            fields.RequireText("hidden_act", $"\"{Activation}\"", "Pique computes no other activation");
        bool attentionBias = ReadAttentionBias(fields, family);
        if (fields.Flag("mlp_bias", false))
            fields.Fault("mlp_bias", "true", "false", "Pique computes feed-forward layers without biases only");

        int hiddenSize = fields.Count("hidden_size");
        int headCount = fields.Count("num_attention_heads");
        LlamaConfig config = new()
        {
            Family = family,
            VocabularySize = fields.Count("vocab_size"),
            HiddenSize = hiddenSize,
            IntermediateSize = fields.Count("intermediate_size"),
            LayerCount = fields.Count("num_hidden_layers"),
            HeadCount = headCount,
            KeyValueHeadCount = fields.Has("num_key_value_heads") ? fields.Count("num_key_value_heads") : headCount,
            HeadSize = HeadSize(fields, family, hiddenSize, headCount),
            ContextTokens = fields.Count("max_position_embeddings", MaxContextTokens),
            RmsNormEpsilon = fields.Positive("rms_norm_eps", DefaultRmsNormEpsilon),
            AttentionBias = attentionBias,
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", false),
        };
        if (config.KeyValueHeadCount > 0 && headCount % config.KeyValueHeadCount != 0)
            fields.Fault("num_key_value_heads", $"{config.KeyValueHeadCount}", $"a divisor of num_attention_heads {headCount}", ConfigFix);
        (float theta, RopeScaling? scaling) = RopeJson.Read(fields, family);
        (int? window, int firstWindowedLayer) = AttentionWindowJson.Read(fields, family, config.LayerCount);
        if (fields.Faults.Count > 0)
            throw new ConfigurationException(path, fields.Faults);
        return config with { RopeTheta = theta, RopeScaling = scaling, SlidingWindow = window, FirstWindowedLayer = firstWindowedLayer };
    }

    /// <summary>Writes a configuration that other software reads as a checkpoint's of the model's family. A key is written where the family has it.</summary>
    /// <param name="json">Writer, positioned where an object may begin.</param>
    /// <param name="config">Shape of the model.</param>
    /// <param name="dtypeName">Torch's name for the type of the stored weights, for example "bfloat16".</param>
    /// <param name="tokenizer">Names the tokens that open and end a text.</param>
    /// <param name="writeQuantization">Writes the value of "quantization_config"; null where the weights are not quantized.</param>
    internal static void Write(Utf8JsonWriter json, LlamaConfig config, string dtypeName, ITextTokenizer tokenizer, Action<Utf8JsonWriter>? writeQuantization = null)
    {
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(config.Family.Architecture);
        json.WriteEndArray();
        if (config.Family.AllowsAttentionBias)
            json.WriteBoolean("attention_bias", config.AttentionBias);
        WriteId("bos_token_id", tokenizer.BeginOfTextId);
        WriteId("eos_token_id", tokenizer.EndOfTextId);
        if (config.Family.NamesHeadSize || config.HeadSize * (long)config.HeadCount != config.HiddenSize)
            json.WriteNumber("head_dim", config.HeadSize);
        json.WriteString("hidden_act", Activation);
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("intermediate_size", config.IntermediateSize);
        json.WriteNumber("max_position_embeddings", config.ContextTokens);
        AttentionWindowJson.WriteFirstLayer(json, config);
        if (config.Family.NamesFeedForwardBias)
            json.WriteBoolean("mlp_bias", false);
        json.WriteString("model_type", config.Family.ModelType);
        json.WriteNumber("num_attention_heads", config.HeadCount);
        json.WriteNumber("num_hidden_layers", config.LayerCount);
        json.WriteNumber("num_key_value_heads", config.KeyValueHeadCount);
        if (writeQuantization is not null)
        {
            json.WritePropertyName(QuantizationKey);
            writeQuantization(json);
        }

        json.WriteNumber("rms_norm_eps", config.RmsNormEpsilon);
        RopeJson.Write(json, config.RopeTheta, config.RopeScaling);
        AttentionWindowJson.WriteWindow(json, config);
        json.WriteBoolean("tie_word_embeddings", config.TieWordEmbeddings);
        json.WriteString("torch_dtype", dtypeName);
        AttentionWindowJson.WriteSwitch(json, config);
        json.WriteNumber("vocab_size", config.VocabularySize);
        json.WriteEndObject();

        void WriteId(string key, int? id)
        {
            if (id is { } number)
                json.WriteNumber(key, number);
            else
                json.WriteNull(key);
        }
    }

    /// <summary>The family that "architectures" and "model_type" name; where both stand there they must name the same. Llama after a fault.</summary>
    private static ModelFamily ReadFamily(JsonFields fields)
    {
        ModelFamily? byArchitecture = Find("architectures", family => $"[\"{family.Architecture}\"]");
        ModelFamily? byType = Find("model_type", family => $"\"{family.ModelType}\"");
        if (!fields.Has("architectures") && !fields.Has("model_type"))
            fields.Fault("model_type", "nothing", KnownFamilies, UnknownFamilyFix);
        if (byArchitecture is not null && byType is not null && byArchitecture != byType)
            fields.Fault("model_type", $"\"{byType.ModelType}\"", $"\"{byArchitecture.ModelType}\", since architectures names {byArchitecture.Architecture}", ConfigFix);
        return byArchitecture ?? byType ?? ModelFamily.Llama;

        ModelFamily? Find(string key, Func<ModelFamily, string> jsonOf)
        {
            if (!fields.Has(key))
                return null;
            string shown = fields.Shown(key);
            ModelFamily? found = ModelFamily.All.FirstOrDefault(family => jsonOf(family) == shown);
            if (found is null)
                fields.Fault(key, shown, KnownFamilies, UnknownFamilyFix);
            return found;
        }
    }

    /// <summary>A family whose biases are fixed has them whatever the key says.</summary>
    private static bool ReadAttentionBias(JsonFields fields, ModelFamily family)
    {
        bool stated = fields.Flag("attention_bias", false);
        if (family.AllowsAttentionBias)
            return stated;
        if (stated && !family.HasQueryKeyValueBias)
            fields.Fault("attention_bias", "true", "false", $"Pique computes {family} without biases, as transformers does");
        return false;
    }

    private static int HeadSize(JsonFields fields, ModelFamily family, int hiddenSize, int headCount)
    {
        int headSize;
        if (fields.Has("head_dim"))
        {
            headSize = fields.Count("head_dim");
        }
        else if (family.DefaultHeadSize is { } usual)
        {
            headSize = usual;
        }
        else if (headCount > 0 && hiddenSize % headCount != 0)
        {
            fields.Fault("head_dim", "nothing", $"a number, since hidden_size {hiddenSize} is no multiple of num_attention_heads {headCount}", "add it");
            return 0;
        }
        else
        {
            headSize = headCount > 0 ? hiddenSize / headCount : 0;
        }

        if (headSize % 2 != 0)
            fields.Fault("head_dim", $"{headSize}", "an even number, since rotary positions turn pairs", ConfigFix);
        return headSize;
    }
}
