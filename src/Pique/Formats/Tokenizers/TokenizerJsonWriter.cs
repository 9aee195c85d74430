using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pique.Formats.Tokenizers;

/// <summary>Writes a trained vocabulary as <c>tokenizer.json</c> and <c>tokenizer_config.json</c>, as Hugging Face's tokenizers reads them.</summary>
public static class TokenizerJsonWriter
{
    private static readonly JsonWriterOptions Format = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes both files; the same vocabulary gives the same bytes.</summary>
    /// <param name="folder">Folder, made where it is missing.</param>
    /// <param name="vocabulary">Trained vocabulary.</param>
    /// <exception cref="InputException">The folder cannot be written.</exception>
    public static void Write(string folder, BytePairVocabulary vocabulary)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(vocabulary);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: the folder cannot be made ({exception.Message}); choose one that can be written.", exception);
        }
        WriteFile(Path.Combine(folder, "tokenizer.json"), json => WriteTokenizer(json, vocabulary));
        WriteFile(Path.Combine(folder, "tokenizer_config.json"), json => WriteConfig(json, vocabulary));
    }

    private static void WriteFile(string path, Action<Utf8JsonWriter> write)
    {
        AtomicFile.Write(path, stream =>
        {
            using (Utf8JsonWriter json = new(stream, Format))
                write(json);
            stream.WriteByte((byte)'\n');
        });
    }

    private static void WriteTokenizer(Utf8JsonWriter json, BytePairVocabulary vocabulary)
    {
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < vocabulary.SpecialTokens.Count; id++)
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            WriteAddedToken(json, vocabulary.SpecialTokens[id]);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNull("normalizer");
        WritePreTokenizer(json);
        WritePostProcessor(json);
        json.WriteStartObject("decoder");
        WriteByteLevel(json);
        json.WriteEndObject();
        WriteModel(json, vocabulary);
        json.WriteEndObject();
    }

    private static void WritePreTokenizer(Utf8JsonWriter json)
    {
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Digits");
        json.WriteBoolean("individual_digits", true);
        json.WriteEndObject();
        json.WriteStartObject();
        WriteByteLevel(json);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteByteLevel(Utf8JsonWriter json)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", true);
    }

    /// <summary>Puts the begin-of-text token before a text, as the model saw it in training.</summary>
    private static void WritePostProcessor(Utf8JsonWriter json)
    {
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        json.WriteStartArray("single");
        WriteTemplatePart(json, "SpecialToken", BytePairVocabulary.BeginOfText, 0);
        WriteTemplatePart(json, "Sequence", "A", 0);
        json.WriteEndArray();
        json.WriteStartArray("pair");
        WriteTemplatePart(json, "SpecialToken", BytePairVocabulary.BeginOfText, 0);
        WriteTemplatePart(json, "Sequence", "A", 0);
        WriteTemplatePart(json, "SpecialToken", BytePairVocabulary.BeginOfText, 1);
        WriteTemplatePart(json, "Sequence", "B", 1);
        json.WriteEndArray();
        json.WriteStartObject("special_tokens");
        json.WriteStartObject(BytePairVocabulary.BeginOfText);
        json.WriteString("id", BytePairVocabulary.BeginOfText);
        json.WriteStartArray("ids");
        json.WriteNumberValue(0);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(BytePairVocabulary.BeginOfText);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteTemplatePart(Utf8JsonWriter json, string kind, string id, int typeId)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", typeId);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, BytePairVocabulary vocabulary)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", false);
        json.WriteStartObject("vocab");
        for (int id = 0; id < vocabulary.Tokens.Count; id++)
            json.WriteNumber(vocabulary.Tokens[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((string left, string right) in vocabulary.Merges)
            json.WriteStringValue($"{left} {right}");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteConfig(Utf8JsonWriter json, BytePairVocabulary vocabulary)
    {
        json.WriteStartObject();
        json.WriteBoolean("add_bos_token", true);
        json.WriteBoolean("add_prefix_space", false);
        json.WriteStartObject("added_tokens_decoder");
        for (int id = 0; id < vocabulary.SpecialTokens.Count; id++)
        {
            json.WriteStartObject(id.ToString(System.Globalization.CultureInfo.InvariantCulture));
            WriteAddedToken(json, vocabulary.SpecialTokens[id]);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteString("bos_token", BytePairVocabulary.BeginOfText);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        json.WriteString("eos_token", BytePairVocabulary.EndOfText);
        json.WriteString("pad_token", BytePairVocabulary.Padding);
        json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
        json.WriteEndObject();
    }

    private static void WriteAddedToken(Utf8JsonWriter json, string content)
    {
        json.WriteString("content", content);
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", true);
    }
}
