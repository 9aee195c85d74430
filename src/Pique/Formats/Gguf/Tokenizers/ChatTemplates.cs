using System.Text.Json;
using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>The templates by which a chat becomes text: a file of their own, or a field of tokenizer_config.json, one or several with names.</summary>
internal static class ChatTemplates
{
    private const string DefaultName = "default";

    /// <summary>Adds the keys; none where there is no template.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="folder">Folder of the tokenizer.</param>
    /// <exception cref="InputException">A template is no text.</exception>
    public static void Write(GgufMetadata metadata, string folder)
    {
        JsonField field = SpecialTokenIds.Open(folder, SpecialTokenIds.ConfigName) is { } config ? config["chat_template"] : default;
        if (field.IsNull)
        {
            string file = Path.Combine(folder, SpecialTokenIds.ChatTemplateName);
            if (File.Exists(file))
                metadata.Add(GgufTokenizerKeys.ChatTemplate, TokenizerFile.ReadText(file, TokenizerFile.MaximumBytes));
            return;
        }
        if (field.Element.ValueKind != JsonValueKind.Array)
        {
            metadata.Add(GgufTokenizerKeys.ChatTemplate, field.Text());
            return;
        }

        SortedDictionary<string, string> templates = new(StringComparer.Ordinal);
        foreach (JsonField entry in field.Items())
            templates[KeyPart(entry["name"].Text())] = entry["template"].Text();
        if (templates.Remove(DefaultName, out string? main))
            metadata.Add(GgufTokenizerKeys.ChatTemplate, main);
        foreach ((string name, string template) in templates)
            metadata.Add($"{GgufTokenizerKeys.ChatTemplate}.{name}", template);
        if (templates.Count > 0)
            metadata.Add(GgufTokenizerKeys.ChatTemplates, (IReadOnlyList<string>)[.. templates.Keys]);
    }

    /// <summary>Of a name what a key can hold, as llama.cpp's converter writes it.</summary>
    private static string KeyPart(string name) => string.Concat(name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));
}
