using System.Text;
using Pique.Configuration;

namespace Pique.Data;

/// <summary>Reads records from text files and JSON Lines, one at a time.</summary>
public static class RecordReader
{
    /// <summary>Line that separates the documents of a text file.</summary>
    public const string DocumentSeparator = "<|endoftext|>";

    /// <summary>A document longer than this many characters is read as several records, broken at a line end.</summary>
    public const int LongestDocumentChars = 1 << 14;

    /// <summary>Reads a file.</summary>
    /// <param name="path">
    /// A <c>.txt</c> file: documents separated by lines that read <see cref="DocumentSeparator"/>. Or a <c>.jsonl</c> file: a JSON
    /// object a line with the fields <c>text</c>; <c>prompt</c>, <c>reasoning</c> and <c>answer</c>; <c>question</c> and <c>answer</c>
    /// as GSM8K has them; or <c>prompt</c> and <c>call</c>. Other fields are left alone.
    /// </param>
    /// <param name="domain">What running text in the file is about; problems and tool calls say so themselves.</param>
    /// <returns>At least one record, read as they are asked for.</returns>
    /// <exception cref="InputException">The file is missing, is no UTF-8, has a malformed record, or has no record at all.</exception>
    public static IEnumerable<SourcedRecord> Read(string path, DataDomain domain = DataDomain.General)
    {
        bool isText = HasExtension(path, ".txt");
        if (!isText && !HasExtension(path, ".jsonl"))
        {
            throw new InputException($"{path}: found the extension \"{Path.GetExtension(path)}\", expected a .txt or .jsonl file.");
        }

        if (Directory.Exists(path))
        {
            throw new InputException($"{path}: found a folder, expected a .txt or .jsonl file.");
        }

        if (!File.Exists(path))
        {
            throw new InputException($"{path}: no such file; check the path, which is relative to the recipe or the working folder.");
        }

        return ReadExisting(path, domain, isText);
    }

    private static IEnumerable<SourcedRecord> ReadExisting(string path, DataDomain domain, bool isText)
    {
        using Utf8LineReader lines = new(OpenFile(path), path);
        bool empty = true;
        foreach (SourcedRecord record in isText ? ReadText(lines, path, domain) : ReadJsonLines(lines, path, domain))
        {
            empty = false;
            yield return record;
        }

        if (empty)
        {
            throw new InputException($"{path}: found no record, expected at least one; {(isText ? "write text into it" : "write a JSON object a line")}.");
        }
    }

    private static IEnumerable<SourcedRecord> ReadText(Utf8LineReader lines, string path, DataDomain domain)
    {
        StringBuilder document = new();
        int firstLine = 0;
        while (lines.ReadLine() is string line)
        {
            bool isSeparator = line.AsSpan().Trim() is DocumentSeparator;
            if (isSeparator || document.Length + line.Length > LongestDocumentChars)
            {
                if (document.Length > 0)
                {
                    yield return Document();
                }

                document.Clear();
            }

            // Blank lines at the head of a document are left out, those inside it stay.
            if (!isSeparator && (document.Length > 0 || !string.IsNullOrWhiteSpace(line)))
            {
                firstLine = document.Length == 0 ? lines.LineNumber : firstLine;
                document.Append(line).Append('\n');
            }
        }

        if (document.Length > 0)
        {
            yield return Document();
        }

        SourcedRecord Document() => new(
            new DataRecord.Text(document.ToString().TrimEnd(), domain), $"{path}:{firstLine}", MayBeCut: true);
    }

    private static IEnumerable<SourcedRecord> ReadJsonLines(Utf8LineReader lines, string path, DataDomain domain)
    {
        while (lines.ReadLine() is string line)
        {
            if (!string.IsNullOrWhiteSpace(line))
            {
                string origin = $"{path}:{lines.LineNumber}";
                yield return new SourcedRecord(JsonRecord.Parse(line, origin, domain), origin);
            }
        }
    }

    private static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {error.Message}", error);
        }
    }

    private static bool HasExtension(string path, string extension) =>
        string.Equals(Path.GetExtension(path), extension, StringComparison.OrdinalIgnoreCase);
}
