using Pique.Formats;
using Pique.Formats.Tokenizers;

namespace Pique.Cli.Inspection;

/// <summary>Looks into tokenizer files.</summary>
internal static class TokenizerInspector
{
    /// <summary>Describes a vocabulary.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file is damaged.</exception>
    public static InspectionResult Inspect(string path)
    {
        ITextTokenizer tokenizer = TokenizerLoader.Load(path).Tokenizer;
        return new InspectionResult(
            "tokenizer",
            [
                ("vocabulary_size", tokenizer.VocabularySize),
                ("begin_of_text_id", tokenizer.BeginOfTextId),
                ("end_of_text_id", tokenizer.EndOfTextId),
                ("unknown_id", tokenizer.UnknownId),
                ("file_bytes", new FileInfo(path).Length),
            ],
            "rows",
            [],
            []);
    }
}
