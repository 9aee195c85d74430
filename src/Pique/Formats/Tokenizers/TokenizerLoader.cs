using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Tokenizers;

namespace Pique.Formats.Tokenizers;

/// <summary>Loads the tokenizer of a checkpoint.</summary>
public static class TokenizerLoader
{
    /// <summary>Loads a tokenizer.</summary>
    /// <param name="folderOrFile">
    /// A vocabulary file, or a folder in which tokenizer.json is taken before tokenizer.model, tok*.model, tok*.bin and tokenizer.gguf. A GGUF file may
    /// hold a model too.
    /// </param>
    /// <exception cref="InputException">Nothing there, or a file that is malformed or not supported.</exception>
    public static LoadedTokenizer Load(string folderOrFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(folderOrFile);
        string path = Directory.Exists(folderOrFile) ? Find(folderOrFile) : folderOrFile;
        ITextTokenizer tokenizer = Path.GetExtension(path) switch
        {
            ".json" => TokenizerJsonReader.Read(path),
            ".model" => SentencePieceTokenizer.Create(SentencePieceReader.Read(path)),
            ".bin" => SentencePieceTokenizer.Create(Llama2CVocabularyReader.Read(path)),
            GgufTokenizerFile.Extension => ReadGguf(path),
            string extension => throw new InputException(
                $"{path}: \"{extension}\" is no vocabulary format; supported: tokenizer.json, tokenizer.model (SentencePiece), tok*.bin (llama2.c), .gguf."),
        };
        return new LoadedTokenizer(tokenizer, SourceFiles(path));
    }

    private static string Find(string folder)
    {
        string[] patterns = ["tokenizer.json", "tokenizer.model", "tok*.model", "tok*.bin", GgufTokenizerFile.FileName];
        foreach (string pattern in patterns)
        {
            string? found = Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal).FirstOrDefault();
            if (found is not null)
                return found;
        }
        throw new InputException($"{folder}: no tokenizer; expected {string.Join(", ", patterns)}. Copy it from the checkpoint's source.");
    }

    private static ITextTokenizer ReadGguf(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        return GgufTokenizerReader.Read(file);
    }

    /// <summary>A GGUF file says everything itself; the other vocabularies leave special tokens and the chat template to files beside them.</summary>
    private static List<string> SourceFiles(string path)
    {
        string file = Path.GetFullPath(path);
        if (Path.GetExtension(path) == GgufTokenizerFile.Extension)
            return [file];
        string folder = Path.GetDirectoryName(file)!;
        return [file, .. SpecialTokenIds.FileNames.Append(SpecialTokenIds.ChatTemplateName).Select(name => Path.Combine(folder, name)).Where(File.Exists)];
    }
}
