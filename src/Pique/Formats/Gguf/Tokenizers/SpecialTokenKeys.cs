using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>The keys of special tokens and of what runtimes put around a prompt.</summary>
internal static class SpecialTokenKeys
{
    /// <summary>Names in tokenizer_config.json and in a GGUF file, as llama.cpp's converter takes them over. The misspelling is the format's.</summary>
    private static readonly (string Name, string GgufName)[] Others = [("unk", "unknown"), ("sep", "seperator"), ("pad", "padding"), ("mask", "mask")];

    /// <summary>Adds the keys.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="folder">Folder of the tokenizer.</param>
    /// <param name="idOf">Id of a token, or null where there is none.</param>
    /// <param name="ids">Ids that the tokenizer itself knows.</param>
    /// <param name="addsBegin">Whether a prompt is opened by the begin token, where tokenizer_config.json does not say.</param>
    /// <param name="addsEnd">Whether a prompt is closed by the end token, where tokenizer_config.json does not say.</param>
    /// <param name="vocabularySize">Ids that the model has; others are left out.</param>
    public static void Write(GgufMetadata metadata, string folder, Func<string, int?> idOf, (int? Begin, int? End, int? Unknown) ids, bool addsBegin, bool addsEnd, int vocabularySize)
    {
        Add(GgufTokenizerKeys.BeginId, ids.Begin);
        Add(GgufTokenizerKeys.EndId, ids.End);
        foreach ((string name, string ggufName) in Others)
            Add($"tokenizer.ggml.{ggufName}_token_id", (name == "unk" ? ids.Unknown : null) ?? SpecialTokenIds.Find(folder, name, idOf));
        JsonField? config = SpecialTokenIds.Open(folder, SpecialTokenIds.ConfigName);
        metadata.Add(GgufTokenizerKeys.AddsBegin, Flag("add_bos_token", addsBegin) && metadata.Contains(GgufTokenizerKeys.BeginId));
        metadata.Add(GgufTokenizerKeys.AddsEnd, Flag("add_eos_token", addsEnd) && metadata.Contains(GgufTokenizerKeys.EndId));

        void Add(string key, int? id)
        {
            if (id is int known && known < vocabularySize)
                metadata.Add(key, (uint)known);
        }

        bool Flag(string name, bool absent) => config is { } file ? file[name].Flag(absent) : absent;
    }
}
