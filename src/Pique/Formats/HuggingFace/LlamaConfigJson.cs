using System.Text.Json;
using Pique.Configuration;
using Pique.Models.Llama;

namespace Pique.Formats.HuggingFace;

/// <summary>Reads and writes the config.json of a Llama checkpoint.</summary>
public static class LlamaConfigJson
{
    /// <summary>Key under which a packed model describes its quantization.</summary>
    internal const string QuantizationKey = "quantization_config";

    /// <summary>Largest config.json accepted.</summary>
    internal const long MaxConfigBytes = 1 << 24;

    private const string Architecture = "LlamaForCausalLM";
    private const string ModelType = "llama";
    private const string Activation = "silu";

    /// <summary>Longest context accepted; beyond it a position is no exact float32.</summary>
    private const int MaxContextTokens = 1 << 24;

    /// <summary>Reads a configuration. Keys that do not change what the model computes are passed over; keys that do and that Pique does not implement are refused.</summary>
    /// <param name="path">The config.json.</param>
    /// <exception cref="InputException">The file is missing or no JSON.</exception>
    /// <exception cref="ConfigurationException">It describes no Llama that Pique can compute; holds every fault.</exception>
    public static LlamaConfig Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using JsonDocument document = JsonFile.Parse(path, MaxConfigBytes);
        JsonFields fields = new(document.RootElement);
        CheckKind(fields);
        RefuseBias(fields, "attention_bias");
        RefuseBias(fields, "mlp_bias");

        int hiddenSize = fields.Count("hidden_size");
        int headCount = fields.Count("num_attention_heads");
        LlamaConfig config = new()
        {
            VocabularySize = fields.Count("vocab_size"),
            HiddenSize = hiddenSize,
            IntermediateSize = fields.Count("intermediate_size"),
            LayerCount = fields.Count("num_hidden_layers"),
            HeadCount = headCount,
            KeyValueHeadCount = fields.Has("num_key_value_heads") ? fields.Count("num_key_value_heads") : headCount,
            HeadSize = HeadSize(fields, hiddenSize, headCount),
            ContextTokens = fields.Count("max_position_embeddings", MaxContextTokens),
            RmsNormEpsilon = fields.Positive("rms_norm_eps", DefaultRmsNormEpsilon),
            RopeTheta = RopeTheta(fields),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", false),
        };
        if (config.KeyValueHeadCount > 0 && headCount % config.KeyValueHeadCount != 0)
            fields.Fault("num_key_value_heads", $"{config.KeyValueHeadCount}", $"a divisor of num_attention_heads {headCount}", "use the config.json of the checkpoint");
        if (fields.Faults.Count > 0)
            throw new ConfigurationException(path, fields.Faults);
        return config;
    }

    /// <summary>Writes a configuration that other software reads as a Llama checkpoint's.</summary>
    /// <param name="json">Writer, positioned where an object may begin.</param>
    /// <param name="config">Shape of the model.</param>
    /// <param name="dtypeName">Torch's name for the type of the stored weights, for example "bfloat16".</param>
    /// <param name="tokenizer">Names the tokens that open and end a text.</param>
    /// <param name="writeQuantization">Writes the value of "quantization_config"; null where the weights are not quantized.</param>
    internal static void Write(Utf8JsonWriter json, LlamaConfig config, string dtypeName, ITextTokenizer tokenizer, Action<Utf8JsonWriter>? writeQuantization = null)
    {
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(Architecture);
        json.WriteEndArray();
        json.WriteBoolean("attention_bias", false);
        WriteId("bos_token_id", tokenizer.BeginOfTextId);
        WriteId("eos_token_id", tokenizer.EndOfTextId);
        json.WriteNumber("head_dim", config.HeadSize);
        json.WriteString("hidden_act", Activation);
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("intermediate_size", config.IntermediateSize);
        json.WriteNumber("max_position_embeddings", config.ContextTokens);
        json.WriteBoolean("mlp_bias", false);
        json.WriteString("model_type", ModelType);
        json.WriteNumber("num_attention_heads", config.HeadCount);
        json.WriteNumber("num_hidden_layers", config.LayerCount);
        json.WriteNumber("num_key_value_heads", config.KeyValueHeadCount);
        if (writeQuantization is not null)
        {
            json.WritePropertyName(QuantizationKey);
            writeQuantization(json);
        }

        json.WriteNumber("rms_norm_eps", config.RmsNormEpsilon);
        json.WriteNull("rope_scaling");
        json.WriteNumber("rope_theta", config.RopeTheta);
        json.WriteBoolean("tie_word_embeddings", config.TieWordEmbeddings);
        json.WriteString("torch_dtype", dtypeName);
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

    /// <summary>What transformers assumes where config.json does not say.</summary>
    private const float DefaultRmsNormEpsilon = 1e-6f;

    private const float DefaultRopeTheta = 10000f;

    private static void CheckKind(JsonFields fields)
    {
        if (fields.Has("architectures"))
            fields.RequireText("architectures", $"[\"{Architecture}\"]", "Pique computes Llama models only");
        if (fields.Has("model_type") || !fields.Has("architectures"))
            fields.RequireText("model_type", $"\"{ModelType}\"", "Pique computes Llama models only");
        if (fields.Has("hidden_act"))
            fields.RequireText("hidden_act", $"\"{Activation}\"", "Pique computes no other activation");
    }

    private static void RefuseBias(JsonFields fields, string key)
    {
        if (fields.Flag(key, false))
            fields.Fault(key, "true", "false", "Pique computes Llama layers without biases only");
    }

    private static int HeadSize(JsonFields fields, int hiddenSize, int headCount)
    {
        int headSize;
        if (fields.Has("head_dim"))
        {
            headSize = fields.Count("head_dim");
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
            fields.Fault("head_dim", $"{headSize}", "an even number, since rotary positions turn pairs", "use the config.json of the checkpoint");
        return headSize;
    }

    /// <summary>The base stands at the top level, or in the rope_parameters of newer files; both agree where both are given.</summary>
    private static float RopeTheta(JsonFields fields)
    {
        float theta = fields.Positive("rope_theta", DefaultRopeTheta);
        foreach (string key in (string[])["rope_scaling", "rope_parameters"])
        {
            if (fields.Object(key) is not { } rope)
                continue;
            string typeKey = rope.Has("rope_type") ? "rope_type" : "type";
            if (rope.Has(typeKey) || !rope.Has("rope_theta"))
                rope.RequireText(typeKey, "\"default\"", "Pique computes no scaled rotary positions; choose a checkpoint without them");
            if (rope.Has("rope_theta"))
            {
                float inner = rope.Positive("rope_theta", DefaultRopeTheta);
                if (fields.Has("rope_theta") && inner != theta)
                    rope.Fault("rope_theta", FormattableString.Invariant($"{inner}"), FormattableString.Invariant($"{theta} as at the top level"), "make the two agree");
                theta = inner;
            }
        }

        return theta;
    }
}
