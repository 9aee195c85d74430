using System.Text.Json;
using Pique.Formats.Safetensors;

namespace Pique.Formats.HuggingFace;

/// <summary>The weights of a Hugging Face folder: one safetensors file, or shards by their index.</summary>
public sealed class HuggingFaceWeights : IWeightSource
{
    /// <summary>Largest index accepted; that of a model of 91,000 tensors has nine megabytes.</summary>
    private const long MaxIndexBytes = 32_000_000;

    private readonly List<SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _fileOf = new(StringComparer.Ordinal);

    private HuggingFaceWeights(string folder, List<SafetensorsFile> files)
    {
        Path = folder;
        _files = files;
        Dictionary<string, IReadOnlyList<long>> shapes = new(StringComparer.Ordinal);
        foreach (SafetensorsFile file in files)
        {
            foreach (SafetensorsTensor tensor in file.Tensors)
            {
                if (!_fileOf.TryAdd(tensor.Name, file))
                    throw new InputException($"{file.Path}: tensor \"{MessageText.Name(tensor.Name)}\" is also in {_fileOf[tensor.Name].Path}, expected in one shard only; fetch or export the model again");
                shapes.Add(tensor.Name, tensor.Shape);
            }
        }

        Shapes = shapes;
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, IReadOnlyList<long>> Shapes { get; }

    /// <summary>The safetensors files, in the order of their names.</summary>
    public IReadOnlyList<SafetensorsFile> Files => _files;

    /// <summary>Opens the weights of a folder and checks all headers. model.safetensors is preferred where an index lies beside it.</summary>
    /// <param name="folder">Folder of the model.</param>
    /// <exception cref="InputException">No weights, a faulty index, or a faulty file.</exception>
    public static HuggingFaceWeights Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string single = System.IO.Path.Combine(folder, HuggingFaceNames.Weights);
        string index = System.IO.Path.Combine(folder, HuggingFaceNames.Index);
        if (!File.Exists(single) && !File.Exists(index))
            throw new InputException($"{folder}: has neither {HuggingFaceNames.Weights} nor {HuggingFaceNames.Index}; export the model as safetensors");

        IReadOnlyDictionary<string, string>? weightMap = File.Exists(single) ? null : ReadIndex(index, folder);
        List<SafetensorsFile> files = [];
        HeaderMemory memory = new();
        try
        {
            foreach (string path in weightMap is null ? [single] : weightMap.Values.Distinct().Order(StringComparer.Ordinal).Select(shard => System.IO.Path.Combine(folder, shard)))
                files.Add(SafetensorsFile.Open(path, memory));
            HuggingFaceWeights weights = new(folder, files);
            if (weightMap is not null)
                weights.CheckIndex(index, weightMap);
            return weights;
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, long firstElement, Span<float> destination) => _fileOf[name].ReadFloat32(name, firstElement, destination);

    /// <inheritdoc/>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    /// <summary>Reads an index.</summary>
    /// <param name="path">The index.</param>
    /// <param name="folder">Folder of the model.</param>
    /// <returns>Shards by the names of the tensors; each is there.</returns>
    /// <exception cref="InputException">The index is faulty, or a shard is missing.</exception>
    internal static Dictionary<string, string> ReadIndex(string path, string folder)
    {
        Dictionary<string, string> weightMap = new(StringComparer.Ordinal);
        using JsonDocument document = JsonFile.Parse(path, MaxIndexBytes);
        if (!document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
            throw new InputException($"{path}: lacks the object \"weight_map\" that says which shard holds which tensor; fetch or export the model again");

        foreach (JsonProperty property in map.EnumerateObject())
        {
            string? shard = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : null;
            if (shard is null || !shard.EndsWith(".safetensors", StringComparison.Ordinal) || shard.AsSpan().ContainsAny("/\\:\0"))
                throw new InputException($"{path}: weight_map places \"{MessageText.Name(property.Name)}\" in {MessageText.Name(property.Value.GetRawText())}, expected the name of a .safetensors file of the same folder; fetch or export the model again");
            if (!File.Exists(System.IO.Path.Combine(folder, shard)))
                throw new InputException($"{path}: weight_map places \"{MessageText.Name(property.Name)}\" in {MessageText.Name(shard)}, which is not in the folder; fetch the missing shard");
            weightMap.Add(property.Name, shard);
        }

        if (weightMap.Count == 0)
            throw new InputException($"{path}: weight_map is empty, expected a shard for every tensor; fetch or export the model again");
        return weightMap;
    }

    private void CheckIndex(string path, IReadOnlyDictionary<string, string> weightMap)
    {
        foreach ((string name, string shard) in weightMap)
        {
            if (!_fileOf.TryGetValue(name, out SafetensorsFile? file) || System.IO.Path.GetFileName(file.Path) != shard)
                throw new InputException($"{path}: weight_map places \"{MessageText.Name(name)}\" in {MessageText.Name(shard)}, which does not hold it; fetch or export the model again");
        }

        string[] unlisted = [.. Shapes.Keys.Where(name => !weightMap.ContainsKey(name)).Order(StringComparer.Ordinal)];
        if (unlisted.Length > 0)
            throw new InputException($"{path}: weight_map leaves out tensors that the shards hold: {MessageText.List(unlisted)}; fetch or export the model again");
    }
}
