using System.Text.Json;

namespace Pique.Formats.Tokenizers;

/// <summary>Which ids open and end a text, as the files beside a tokenizer say.</summary>
/// <param name="Begin">Id that opens a text, or null.</param>
/// <param name="End">Id that ends a text, or null.</param>
internal readonly record struct SpecialTokenIds(int? Begin, int? End)
{
    /// <summary>File that describes how a tokenizer is used.</summary>
    public const string ConfigName = "tokenizer_config.json";

    /// <summary>File that says how a chat becomes text.</summary>
    public const string ChatTemplateName = "chat_template.jinja";

    /// <summary>Files that may name the tokens, those believed first standing first.</summary>
    public static IReadOnlyList<string> FileNames { get; } = [ConfigName, "special_tokens_map.json"];

    /// <summary>Looks the ids up in tokenizer_config.json, special_tokens_map.json, config.json and the post-processor, in this order.</summary>
    /// <param name="folder">Folder of the tokenizer.</param>
    /// <param name="idOf">Id of a token, or null where there is none.</param>
    /// <param name="postProcessor">Post-processor of a tokenizer.json, or a missing field.</param>
    public static SpecialTokenIds Read(string folder, Func<string, int?> idOf, JsonField postProcessor)
    {
        SpecialTokenIds ids = default;
        foreach (string name in FileNames)
        {
            if (Open(folder, name) is JsonField file)
                ids = ids.Or(new SpecialTokenIds(Named(file["bos_token"], idOf), Named(file["eos_token"], idOf)));
        }
        if (Open(folder, "config.json") is JsonField config)
            ids = ids.Or(new SpecialTokenIds(Numbered(config["bos_token_id"]), Numbered(config["eos_token_id"])));
        return ids.Or(FromTemplate(postProcessor, idOf));
    }

    /// <summary>Looks up the id of one special token in tokenizer_config.json, special_tokens_map.json and config.json, in this order.</summary>
    /// <param name="folder">Folder of the tokenizer.</param>
    /// <param name="name">Name of the token's part, for example "pad".</param>
    /// <param name="idOf">Id of a token, or null where there is none.</param>
    public static int? Find(string folder, string name, Func<string, int?> idOf)
    {
        foreach (string fileName in FileNames)
        {
            if (Open(folder, fileName) is JsonField file && Named(file[$"{name}_token"], idOf) is int id)
                return id;
        }
        return Open(folder, "config.json") is JsonField config ? Numbered(config[$"{name}_token_id"]) : null;
    }

    /// <summary>Opens a file beside a tokenizer; null where it is absent.</summary>
    public static JsonField? Open(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path) ? JsonField.ReadFile(path, TokenizerFile.MaximumBytes) : null;
    }

    private SpecialTokenIds Or(SpecialTokenIds other) => new(Begin ?? other.Begin, End ?? other.End);

    private static int? Named(JsonField field, Func<string, int?> idOf)
    {
        if (field.IsNull)
            return null;
        return idOf(field.Element.ValueKind == JsonValueKind.Object ? field["content"].Text() : field.Text());
    }

    /// <summary>An id, or the first of a list of ids.</summary>
    private static int? Numbered(JsonField field)
    {
        if (field.IsNull)
            return null;
        if (field.Element.ValueKind != JsonValueKind.Array)
            return field.Count();
        JsonField first = field.Items().FirstOrDefault();
        return first.IsNull ? null : first.Count();
    }

    /// <summary>The tokens that a template puts around a text.</summary>
    /// <param name="postProcessor">Post-processor of a tokenizer.json, or a missing field.</param>
    /// <param name="idOf">Id of a token, or null where there is none.</param>
    public static SpecialTokenIds FromTemplate(JsonField postProcessor, Func<string, int?> idOf)
    {
        if (postProcessor.IsNull)
            return default;
        JsonField template = postProcessor["type"].Text() == "Sequence"
            ? postProcessor["processors"].Items().FirstOrDefault(part => part["type"].Text() == "TemplateProcessing")
            : postProcessor;
        if (template.IsNull || template["type"].Text() != "TemplateProcessing")
            return default;
        int? begin = null;
        int? end = null;
        bool pastText = false;
        foreach (JsonField part in template["single"].Items())
        {
            JsonField special = part["SpecialToken"];
            if (special.IsNull)
                pastText = true;
            else if (pastText)
                end ??= idOf(special["id"].Text());
            else
                begin ??= idOf(special["id"].Text());
        }
        return new SpecialTokenIds(begin, end);
    }
}
