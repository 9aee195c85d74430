using Pique.Formats.HuggingFace;
using Pique.Formats.Tokenizers;
using Pique.Models.Llama;

namespace Pique.Formats.Verification;

/// <summary>Verifies a model folder: every file of weights, that config.json, index and weights agree, and that the tokenizer can be read.</summary>
internal sealed class ModelFolderVerifier
{
    private const string Read = "read, no digest recorded";

    private readonly string _folder;
    private readonly List<VerificationItem> _items = [];
    private LlamaConfig? _config;
    private IReadOnlyDictionary<string, PackedLayer>? _layers;

    private ModelFolderVerifier(string folder) => _folder = folder;

    /// <summary>Verifies a folder.</summary>
    /// <param name="folder">The folder; has a config.json.</param>
    public static VerificationReport Verify(string folder)
    {
        ModelFolderVerifier verifier = new(folder);
        verifier.ReadConfig();
        List<VerificationItem> weights = verifier.VerifyWeights();
        verifier.AddConfig(weightsAreSound: !weights.Any(item => item.IsBad));
        verifier._items.AddRange(weights);
        verifier.AddTokenizer();
        return new VerificationReport(folder, verifier._layers is null ? "Hugging Face model" : "packed model", verifier._items);
    }

    private string PathOf(string file) => Path.Combine(_folder, file);

    private void ReadConfig()
    {
        string path = PathOf(HuggingFaceNames.Config);
        try
        {
            // A packed model stays one, whatever is wrong with its shape.
            _layers = PackedQuantizationJson.Read(path)?.Layers;
            _config = LlamaConfigJson.Read(path);
        }
        catch (InputException refusal)
        {
            _items.Add(VerificationItem.Refused(HuggingFaceNames.Config, VerificationParts.Content, path, refusal));
        }
    }

    private void AddConfig(bool weightsAreSound)
    {
        if (_config is null)
            return;
        VerificationItem? fault = weightsAreSound ? Refusal(HuggingFaceNames.Config, VerificationParts.Content, _folder, () =>
        {
            using IWeightSource source = _layers is null ? HuggingFaceWeights.Open(_folder) : PackedWeights.Open(_folder, _layers, _config);
            LlamaWeightLoader.Check(source, _config);
        }) : null;
        _items.Add(fault ?? new VerificationItem(HuggingFaceNames.Config, VerificationParts.Content, VerificationStatus.NoDigest, weightsAreSound ? "fits the weights, no digest recorded" : Read));
    }

    private List<VerificationItem> VerifyWeights()
    {
        if (File.Exists(PathOf(HuggingFaceNames.Weights)))
            return [.. SafetensorsVerifier.Verify(PathOf(HuggingFaceNames.Weights), HuggingFaceNames.Weights)];
        if (!File.Exists(PathOf(HuggingFaceNames.Index)))
            return [new VerificationItem(HuggingFaceNames.Weights, VerificationParts.Content, VerificationStatus.Corrupt, $"is missing, and {HuggingFaceNames.Index} too")];

        List<VerificationItem> shards =
        [
            .. Directory.EnumerateFiles(_folder, "*.safetensors").Order(StringComparer.Ordinal)
                .SelectMany(shard => SafetensorsVerifier.Verify(shard, Path.GetFileName(shard))),
        ];
        bool shardsAreSound = !shards.Any(item => item.IsBad);
        VerificationItem? fault = Refusal(HuggingFaceNames.Index, VerificationParts.Content, PathOf(HuggingFaceNames.Index), () =>
        {
            HuggingFaceWeights.ReadIndex(PathOf(HuggingFaceNames.Index), _folder);
            if (shardsAreSound)
                HuggingFaceWeights.Open(_folder).Dispose();
        });
        return [fault ?? new VerificationItem(HuggingFaceNames.Index, VerificationParts.Content, VerificationStatus.NoDigest, shardsAreSound ? "fits the shards, no digest recorded" : Read), .. shards];
    }

    private void AddTokenizer()
    {
        string file = "tokenizer";
        VerificationItem? fault = Refusal(file, VerificationParts.Content, _folder, () =>
        {
            LoadedTokenizer tokenizer = TokenizerLoader.Load(_folder);
            file = Path.GetFileName(tokenizer.SourceFiles[0]);
            if (tokenizer.Tokenizer.VocabularySize > _config?.VocabularySize)
                throw new InputException($"{_folder}: has {tokenizer.Tokenizer.VocabularySize} token ids, config.json {_config.VocabularySize}");
        });
        _items.Add(fault is null ? new VerificationItem(file, VerificationParts.Content, VerificationStatus.NoDigest, Read) : fault with { File = file });
    }

    private static VerificationItem? Refusal(string file, string name, string path, Action check)
    {
        try
        {
            check();
            return null;
        }
        catch (InputException refusal)
        {
            return VerificationItem.Refused(file, name, path, refusal);
        }
    }
}
