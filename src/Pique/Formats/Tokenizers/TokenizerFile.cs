using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>Reads a vocabulary file whole, within bounds.</summary>
internal static class TokenizerFile
{
    /// <summary>Largest vocabulary file read; the largest known tokenizer.json has some 33 MB.</summary>
    public const long MaximumBytes = 100L * 1024 * 1024;

    /// <summary>Most JSON tokens of a tokenizer.json; the largest known one has some three million.</summary>
    public const int MaximumJsonTokens = 1 << 23;

    /// <summary>Largest number of token ids; the largest known vocabularies have some 262,000.</summary>
    public const int MaximumVocabularySize = 1 << 20;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">The file is missing, cannot be read or is too large.</exception>
    public static byte[] Read(string path, long maximumBytes)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (stream.Length > maximumBytes)
                throw new InputException($"{path}: {stream.Length} bytes, expected at most {maximumBytes}; is this the right file?");
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: no such file; check the path.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read ({exception.Message}).", exception);
        }
    }

    /// <summary>Reads a file of text.</summary>
    /// <exception cref="InputException">The file is missing, cannot be read, is too large or no UTF-8.</exception>
    public static string ReadText(string path, long maximumBytes)
    {
        byte[] content = Read(path, maximumBytes);
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(content);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InputException($"{path}: is no UTF-8 text; fetch the file again.", exception);
        }
    }
}
