using System.Text;

namespace Pique.Tests.Formats.Hostile;

/// <summary>Malformed model folders, each one fault away from a valid one.</summary>
internal static class HostileModels
{
    private const string Fit = "{path}: the weights do not fit the model's configuration";
    private const string OneCheckpoint = "use the config.json and the weights of one checkpoint";

    public static IEnumerable<HostileCase> Cases() => Configurations().Concat(Weights()).Concat(Quantized()).Concat(Tokenizers());

    private static IEnumerable<HostileCase> Configurations()
    {
        yield return Config("config-is-empty", "", "{path}/config.json: is no valid JSON (The input does not contain any JSON tokens. Expected the input to start with a valid JSON token, when isFinalBlock is true. LineNumber: 0 | BytePositionInLine: 0.); mend or fetch the file again");
        yield return Config("config-is-nested-deep", """{"a":""" + new string('[', 500), "{path}/config.json: is no valid JSON (The maximum configured depth of 64 has been exceeded. Cannot read next JSON array. LineNumber: 0 | BytePositionInLine: 68.); mend or fetch the file again");
        yield return Config("config-has-half-a-surrogate-pair", TinyFolder.Config.Replace("\"llama\"", "\"\\ud800\"", StringComparison.Ordinal), "{path}/config.json: is no valid JSON (a text that is no valid Unicode at byte 14); mend or fetch the file again");
        yield return Config("config-has-a-key-twice", TinyFolder.Config.Replace("\"vocab_size\"", "\"hidden_size\"", StringComparison.Ordinal), "{path}/config.json: is no valid JSON (Duplicate property 'hidden_size' encountered during deserialization.); mend or fetch the file again");
        yield return Setting("layers-of-a-billion", "num_hidden_layers", "1000000000", $"{{path}}: num_hidden_layers is 1000000000, the checkpoint's 11 tensors make up at most 1 layers; {OneCheckpoint}");
        yield return Setting("vocabulary-of-two-billion", "vocab_size", "2147483647", $"{Fit}: of another shape: model.embed_tokens.weight is [8, 4], expected [2147483647, 4]; {OneCheckpoint}");
        yield return Setting("layers-of-none", "num_hidden_layers", "0", "{path}/config.json: num_hidden_layers: found 0, expected a whole number of at least 1; use the config.json of the checkpoint.");
        yield return Setting("vocabulary-overflows", "vocab_size", "18446744073709551617", "{path}/config.json: vocab_size: found 18446744073709551617, expected a whole number of at least 1; use the config.json of the checkpoint.");
        yield return Setting("context-of-a-quadrillion", "max_position_embeddings", "1e15", "{path}/config.json: max_position_embeddings: found 1e15, expected a whole number from 1 to 16777216; use the config.json of the checkpoint.");
        yield return Setting("key-heads-that-divide-nothing", "num_key_value_heads", "3", "{path}/config.json: num_key_value_heads: found 3, expected a divisor of num_attention_heads 2; use the config.json of the checkpoint.");
        yield return Setting("epsilon-is-not-finite", "rms_norm_eps", "1e999", "{path}/config.json: rms_norm_eps: found 1e999, expected a finite number above 0; use the config.json of the checkpoint.");
    }

    private static IEnumerable<HostileCase> Weights()
    {
        yield return Folder("weight-is-nan", TinyFolder.Files(value: float.NaN), "{path}: tensor \"model.norm.weight\" holds NaN at [2], expected finite weights; fetch or export the checkpoint again");
        yield return Folder("weight-is-infinite", TinyFolder.Files(value: float.NegativeInfinity), "{path}: tensor \"model.norm.weight\" holds -Infinity at [2], expected finite weights; fetch or export the checkpoint again");
        yield return Folder("embedding-of-no-rows", TinyFolder.Files(change: tensors => tensors["model.embed_tokens.weight"] = [0, 4]), $"{Fit}: of another shape: model.embed_tokens.weight is [0, 4], expected [8, 4]; {OneCheckpoint}");
        yield return Folder("weight-is-missing", TinyFolder.Files(change: tensors => tensors.Remove("model.norm.weight")), "{path}: num_hidden_layers is 1, the checkpoint's 10 tensors make up at most 0 layers; use the config.json and the weights of one checkpoint");
        yield return Folder("weight-is-turned", TinyFolder.Files(change: tensors => tensors["model.layers.0.mlp.down_proj.weight"] = [6, 4]), $"{Fit}: of another shape: model.layers.0.mlp.down_proj.weight is [6, 4], expected [4, 6]; {OneCheckpoint}");
        yield return Folder("weights-of-forty-other-names", TinyFolder.Files(change: tensors => AddMany(tensors, 40)), "{path}: the weights do not fit the model's configuration: unexpected: x00, x01, x02, x03, x04, x05, x06, x07, x08, x09, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19 and 20 more; use the config.json and the weights of one checkpoint");
        yield return Folder("head-differs-from-the-embedding", TinyFolder.Files(change: tensors => tensors["lm_head.weight"] = [8, 4]), "{path}: tie_word_embeddings is true, but lm_head.weight and model.embed_tokens.weight hold different values; set tie_word_embeddings to false if the checkpoint's head is its own");
        yield return Folder("weights-are-cut-short", Cut(TinyFolder.Files()), "{path}/model.safetensors: tensor \"model.norm.weight\" data_offsets [640, 656] reach past the file's 651 bytes of data; fetch or export the file again");
    }

    private static IEnumerable<HostileCase> Quantized()
    {
        const string Layer = "\"bits\":4,\"granularity\":\"PerChannel\",\"symmetric\":true";
        yield return Packed("packed-by-other-software", Layer, quantization => quantization.Replace("\"pique\"", "\"gptq\"", StringComparison.Ordinal), "{path}/config.json: quantization_config.quant_method: found \"gptq\", expected \"pique\"; Pique reads no model that other software quantized; use its full-precision original.");
        yield return Packed("packed-layers-are-a-list", Layer, _ => """{"quant_method":"pique","format_version":1,"layers":[]}""", "{path}/config.json: quantization_config.layers: found [], expected an object; use the config.json of the checkpoint.");
        yield return Packed("packed-layer-is-none-of-the-model", Layer, quantization => quantization.Replace("up_proj", "../up_proj", StringComparison.Ordinal), "{path}: config.json describes a quantized layer \"model.layers.0.mlp.../up_proj\" that a model of its shape does not have; use the config.json and the weights of one model");
        yield return Packed("packed-in-7-bits", Layer.Replace('4', '7'), null, "{path}/config.json: quantization_config.layers.model.layers.0.mlp.up_proj.bits: found 7, expected 2, 3, 4, 5 or 8; write the model again with this version of Pique.");
        yield return Packed("packed-in-blocks-of-none", "\"bits\":4,\"granularity\":\"PerBlock\",\"block_size\":0,\"symmetric\":true", null, "{path}/config.json: quantization_config.layers.model.layers.0.mlp.up_proj.block_size: found 0, expected a whole number of at least 1; use the config.json of the checkpoint.");
        yield return Packed("packed-in-blocks-of-one", "\"bits\":4,\"granularity\":\"PerBlock\",\"block_size\":1,\"symmetric\":true", null, "{path}/model.safetensors: tensor \"model.layers.0.mlp.up_proj.weight.scales\" is F16 of shape [6, 1], expected F16 of shape [6, 4]; use the config.json and the weights of one model");
        yield return Packed("packed-with-zero-points-that-are-missing", Layer.Replace("true", "false", StringComparison.Ordinal), null, "{path}/model.safetensors: has no tensor \"model.layers.0.mlp.up_proj.weight.zero_points\"; check that the file is the right one");
        yield return Packed("packed-with-a-scale-of-zero", Layer, null, "{path}/model.safetensors: tensor \"model.layers.0.mlp.up_proj.weight\": Quantized tensor: scale 2 is 0, expected a finite number above zero. Fetch or export the model again.", scale: Half.Zero);
        yield return Packed("packed-with-a-scale-that-is-nan", Layer, null, "{path}/model.safetensors: tensor \"model.layers.0.mlp.up_proj.weight\": Quantized tensor: scale 2 is NaN, expected a finite number above zero. Fetch or export the model again.", scale: Half.NaN);
        yield return Packed("packed-and-unpacked", Layer, null, "{path}: tensor \"model.layers.0.mlp.up_proj.weight\" is stored both packed and unpacked, expected one of them; write the model again", keepUnpacked: true);
    }

    private static IEnumerable<HostileCase> Tokenizers()
    {
        yield return Tokenizer("tokenizer-is-nested-deep", new string('[', 500), "{path}/tokenizer.json: no valid JSON (The maximum configured depth of 64 has been exceeded. Cannot read next JSON array. LineNumber: 0 | BytePositionInLine: 64.); fetch the file again.");
        yield return Tokenizer("tokenizer-has-half-a-surrogate-pair", TinyFolder.Tokenizer.Replace("\"ab\":2", "\"\\ud800\":2", StringComparison.Ordinal), "{path}/tokenizer.json: no valid JSON (a text that is no valid Unicode at byte 154); fetch the file again.");
        yield return Tokenizer("token-of-a-huge-id", TinyFolder.Tokenizer.Replace("\"ab\":2", "\"ab\":2147483647", StringComparison.Ordinal), "{path}/tokenizer.json: model.vocab[\"ab\"]: found 2147483647, expected an id below 1048576; fetch the file again or correct it.");
        yield return Tokenizer("token-of-a-negative-id", TinyFolder.Tokenizer.Replace("\"ab\":2", "\"ab\":-2", StringComparison.Ordinal), "{path}/tokenizer.json: model.vocab[\"ab\"]: found -2, expected a whole number from 0 up; fetch the file again or correct it.");
        yield return Tokenizer("tokens-share-an-id", TinyFolder.Tokenizer.Replace("\"ab\":2", "\"ab\":1", StringComparison.Ordinal), "{path}/tokenizer.json: \"b\" and \"ab\" share id 1; every token needs its own. Fetch the file again.");
        yield return Tokenizer("more-tokens-than-the-model", TinyFolder.Tokenizer.Replace("\"ab\":2", "\"ab\":8", StringComparison.Ordinal), "{path}: the tokenizer ({path}/tokenizer.json) has 9 token ids, the model 8; use the tokenizer the model was trained with");
        yield return Tokenizer("merge-of-an-unknown-token", TinyFolder.Tokenizer.Replace("a b", "a c", StringComparison.Ordinal), "{path}/tokenizer.json: model.merges[0]: \"a\" + \"c\" needs the token \"c\", which the vocabulary lacks; fetch the file again.");
        yield return Tokenizer("pattern-is-not-closed", TinyFolder.Tokenizer.Replace("\"pre_tokenizer\":null", """ "pre_tokenizer":{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"} """.Trim(), StringComparison.Ordinal), "{path}/tokenizer.json: pre_tokenizer.pattern.Regex: the pattern ( is none that .NET understands (Invalid pattern '(' at offset 1. Not enough )'s.); use a checkpoint with a plainer pattern.");
        yield return Tokenizer("tokenizer-of-another-kind", TinyFolder.Tokenizer.Replace("BPE", "Unigram", StringComparison.Ordinal), "{path}/tokenizer.json: model.type: \"Unigram\" is not supported; supported: BPE. Use a checkpoint whose tokenizer is built from these.");
    }

    private static HostileCase Folder(string name, Dictionary<string, byte[]> files, string message) => new(name, HostileEntry.Model, files, message);

    private static HostileCase Config(string name, string config, string message)
    {
        Dictionary<string, byte[]> files = TinyFolder.Files();
        files["config.json"] = Encoding.UTF8.GetBytes(config);
        return Folder(name, files, message);
    }

    private static HostileCase Setting(string name, string key, string value, string message) => Config(name, TinyFolder.WithSetting(key, value), message);

    private static HostileCase Tokenizer(string name, string tokenizer, string message)
    {
        Dictionary<string, byte[]> files = TinyFolder.Files();
        files["tokenizer.json"] = Encoding.UTF8.GetBytes(tokenizer);
        return Folder(name, files, message);
    }

    private static HostileCase Packed(string name, string layer, Func<string, string>? change, string message, Half? scale = null, bool keepUnpacked = false) =>
        Folder(name, TinyFolder.Packed(layer, change ?? (quantization => quantization), scale ?? (Half)0.25f, keepUnpacked), message);

    private static Dictionary<string, byte[]> Cut(Dictionary<string, byte[]> files)
    {
        files["model.safetensors"] = files["model.safetensors"][..^5];
        return files;
    }

    private static void AddMany(Dictionary<string, long[]> tensors, int count)
    {
        for (int index = 0; index < count; index++)
            tensors[$"x{index:D2}"] = [0];
    }
}
