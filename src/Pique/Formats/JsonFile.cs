using System.Text.Json;

namespace Pique.Formats;

/// <summary>Parses JSON files strictly: an object, no duplicate names, no comments, a size limit.</summary>
internal static class JsonFile
{
    /// <summary>Reads and parses a file.</summary>
    /// <param name="path">File to read.</param>
    /// <param name="maxBytes">Largest size accepted.</param>
    /// <exception cref="InputException">The file is missing, too large, no valid JSON, or no object.</exception>
    public static JsonDocument Parse(string path, long maxBytes)
    {
        byte[] content = InputFile.ReadAllBytes(path, maxBytes);
        JsonDocument document;
        try
        {
            document = StrictJson.Parse(content);
        }
        catch (JsonException failure)
        {
            throw new InputException($"{path}: is no valid JSON ({failure.Message}); mend or fetch the file again", failure);
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object)
            return document;
        document.Dispose();
        throw new InputException($"{path}: holds no JSON object; mend or fetch the file again");
    }
}
