using Pique.Configuration;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Formats.Tokenizers;
using Pique.Models.Llama;

namespace Pique.Tests.Pipeline;

/// <summary>A data file of short records of every kind, and a tiny model whose tokenizer knows every byte; both made anew in a folder.</summary>
internal static class MicroData
{
    public const int ContextTokens = 44;

    private const int TrainedTexts = 24;

    /// <summary>The data: 24 sums, 24 calls and 24 lines of text.</summary>
    public static DataRecipe Write(TemporaryFolder folder)
    {
        string path = folder.File("records.jsonl");
        File.WriteAllLines(path, Enumerable.Range(1, TrainedTexts).SelectMany(number => (string[])
        [
            $$"""{"prompt":"{{number}}+3","reasoning":["{{number}}+3={{number + 3}}"],"answer":"{{number + 3}}"}""",
            $$"""{"prompt":"{{number}}","call":{"name":"go","arguments":{"n":{{number}} } } }""",
            $$"""{"text":"Line {{number}} of a tale."}""",
        ]));
        return new DataRecipe { Files = [new DataFile { Path = path }], HeldOutShare = 0.25f, ContextTokens = ContextTokens };
    }

    /// <summary>A recipe of 4 steps with a checkpoint every second one.</summary>
    public static Recipe Recipe(TemporaryFolder folder) => new()
    {
        Qat = new QatConfig { Bits = 3, SteVariant = new SteVariant.LearnedStepSize(), Epochs = 2, WarmupEpochs = 0, LearningRate = 1e-3f },
        Model = WriteModel(folder, "base"),
        Data = Write(folder),
        Training = new TrainingRecipe { BatchTokens = 3 * ContextTokens, MaxSteps = 4, CheckpointSteps = 2, WeightLearningRate = 5e-3f, Seed = 11, ComputeType = ComputeType.Float32 },
    };

    /// <summary>Writes a model of one block with random weights.</summary>
    public static string WriteModel(TemporaryFolder folder, string name, long seed = 5, Func<LlamaConfig, LlamaConfig>? change = null)
    {
        string[] texts = [.. Enumerable.Range(1, TrainedTexts).Select(number => $"Line {number} of a tale.")];
        string tokenizerFolder = folder.File(name + "-tokenizer");
        TokenizerJsonWriter.Write(tokenizerFolder, BytePairTrainer.Train(texts, 272));
        LoadedTokenizer tokenizer = TokenizerLoader.Load(tokenizerFolder);
        LlamaConfig config = new()
        {
            VocabularySize = tokenizer.Tokenizer.VocabularySize,
            HiddenSize = 16,
            IntermediateSize = 24,
            LayerCount = 1,
            HeadCount = 2,
            KeyValueHeadCount = 1,
            HeadSize = 8,
            ContextTokens = ContextTokens,
            TieWordEmbeddings = true,
        };
        using LlamaModel model = new(change is null ? config : change(config));
        LlamaInitializer.Initialize(model, seed);
        HuggingFaceWriter.Save(folder.File(name), model, tokenizer.Tokenizer, tokenizer.SourceFiles, SafetensorsDtype.F32);
        return folder.File(name);
    }

    /// <summary>Every file below a folder by its relative path.</summary>
    public static Dictionary<string, byte[]> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllBytes);
}
