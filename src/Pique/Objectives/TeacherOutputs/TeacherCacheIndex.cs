using System.Security.Cryptography;
using System.Text.Json;
using Pique.Formats;
using Pique.Formats.HuggingFace;

namespace Pique.Objectives;

/// <summary>One of the files that teacher outputs are kept in.</summary>
/// <param name="File">Its name.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">SHA-256 of its content, in lower-case hexadecimal digits.</param>
internal sealed record TeacherCacheFile(string File, long Bytes, string Sha256)
{
    /// <summary>Describes a file as it is.</summary>
    /// <param name="path">The file.</param>
    public static TeacherCacheFile Of(string path)
    {
        using FileStream stream = System.IO.File.OpenRead(path);
        return new(Path.GetFileName(path), stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }
}

/// <summary>index.json of a folder of teacher outputs: what they are of, and the files they lie in.</summary>
/// <param name="Key">What they are outputs of.</param>
/// <param name="Rows">Rows of the data set.</param>
/// <param name="RowsPerFile">Rows in every file but perhaps the last.</param>
/// <param name="Files">The files, in the order of the rows.</param>
internal sealed record TeacherCacheIndex(TeacherCacheKey Key, int Rows, int RowsPerFile, IReadOnlyList<TeacherCacheFile> Files)
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "index.json";

    private const int FormatVersion = 1;
    private const long MaxFileBytes = 64L << 20;
    /// <summary>What to do with damaged outputs.</summary>
    public const string Fix = "delete the folder to have the teacher outputs made anew";

    /// <summary>Writes the file.</summary>
    /// <param name="folder">Its folder.</param>
    public void Save(string folder) => AtomicFile.Write(Path.Combine(folder, FileName), stream =>
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("format_version", FormatVersion);
        json.WriteString("teacher_digest", Key.TeacherDigest);
        json.WriteString("data_digest", Key.DataDigest);
        json.WriteNumber("vocabulary_size", Key.VocabularySize);
        json.WriteNumber("hidden_size", Key.HiddenSize);
        json.WriteNumber("top_k", Key.TopK);
        json.WriteNumber("rows", Rows);
        json.WriteNumber("rows_per_file", RowsPerFile);
        json.WriteStartArray("files");
        foreach (TeacherCacheFile file in Files)
        {
            json.WriteStartObject();
            json.WriteString("file", file.File);
            json.WriteNumber("bytes", file.Bytes);
            json.WriteString("sha256", file.Sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>Reads the file.</summary>
    /// <param name="folder">Its folder.</param>
    /// <exception cref="TeacherCacheDamagedException">It cannot be read or contradicts itself.</exception>
    /// <exception cref="InputException">It is of another format version.</exception>
    public static TeacherCacheIndex Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        using JsonDocument document = Parse(path);
        JsonFields fields = new(document.RootElement, Fix);
        int version = fields.Count("format_version");
        if (fields.Faults.Count == 0 && version != FormatVersion)
            throw new InputException($"{path}: found format version {version}, expected {FormatVersion}; {Fix}");
        TeacherCacheKey key = new(
            fields.Text("teacher_digest") ?? "", fields.Text("data_digest") ?? "", fields.Count("vocabulary_size"), fields.Count("hidden_size"), fields.Count("top_k"));
        int rows = fields.Count("rows"), rowsPerFile = fields.Count("rows_per_file");
        TeacherCacheFile[] files = ReadFiles(document.RootElement);
        if (fields.Faults.Count > 0)
            throw new TeacherCacheDamagedException(new Configuration.ConfigurationException(path, fields.Faults).Message);
        if (key.TopK > key.VocabularySize || files.Length != ((long)rows + rowsPerFile - 1) / rowsPerFile)
            throw new TeacherCacheDamagedException($"{path}: found top {key.TopK} of {key.VocabularySize} tokens and {files.Length} files for {rows} rows, {rowsPerFile} a file, which cannot be; {Fix}");
        return new(key, rows, rowsPerFile, files);
    }

    /// <summary>Checks every file's length and SHA-256.</summary>
    /// <param name="folder">Their folder.</param>
    /// <exception cref="TeacherCacheDamagedException">A file is missing or other than it was.</exception>
    public void Verify(string folder)
    {
        foreach (TeacherCacheFile file in Files)
        {
            string path = Path.Combine(folder, file.File);
            if (file.File.Length == 0 || file.File != Path.GetFileName(file.File))
                throw new TeacherCacheDamagedException($"{Path.Combine(folder, FileName)}: names the file \"{file.File}\" outside its folder; {Fix}");
            if (!File.Exists(path))
                throw new TeacherCacheDamagedException($"{path}: no such file, though {FileName} names it; {Fix}");
            TeacherCacheFile found = TeacherCacheFile.Of(path);
            if (found != file)
                throw new TeacherCacheDamagedException($"{path}: found {found.Bytes} bytes with SHA-256 {found.Sha256}, expected {file.Bytes} with {file.Sha256}; {Fix}");
        }
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            return JsonFile.Parse(path, MaxFileBytes);
        }
        catch (InputException failure)
        {
            throw new TeacherCacheDamagedException(failure.Message, failure);
        }
    }

    private static TeacherCacheFile[] ReadFiles(JsonElement root) =>
        root.TryGetProperty("files", out JsonElement files) && files.ValueKind == JsonValueKind.Array
            ? [.. files.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.Object).Select(entry => new JsonFields(entry, Fix)).Select(entry => new TeacherCacheFile(
                entry.Text("file") ?? "", entry.WholeNumber("bytes") ?? 0, entry.Text("sha256") ?? ""))]
            : [];
}
