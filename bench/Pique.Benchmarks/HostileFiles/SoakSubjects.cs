using System.Text;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Formats.Tokenizers;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Training;

namespace Pique.Benchmarks.HostileFiles;

/// <summary>Makes the valid files and folders that are damaged, a few kilobytes each.</summary>
internal static class SoakSubjects
{
    private const string Text = "The cat sat on the mat and saw 12 dogs. The dogs saw the cat.";
    private const string ShardSuffix = ".safetensors";

    /// <summary>Makes all of them.</summary>
    /// <param name="folder">An empty folder.</param>
    public static IEnumerable<SoakSubject> Create(string folder)
    {
        string Of(string name) => Path.Combine(folder, name);
        yield return SoakSubject.OfFile("gguf, all types", GgufSamples.AllTypes(Of("types.gguf")), SoakReaders.Gguf);
        yield return SoakSubject.OfFile("gguf, model", GgufSamples.Model(Of("model.gguf")), SoakReaders.GgufModel);
        yield return SoakSubject.OfFile("safetensors", AllDtypes(Of("dtypes.safetensors")), SoakReaders.Safetensors);
        yield return SoakSubject.OfFile("quantized tensors", QuantizedTensors(Of("quantized.safetensors")), SoakReaders.Quantized);

        BytePairVocabulary vocabulary = BytePairTrainer.Train([Text], 272);
        TokenizerJsonWriter.Write(Of("tokenizer"), vocabulary);
        yield return SoakSubject.OfFile("tokenizer.json", Path.Combine(Of("tokenizer"), "tokenizer.json"), SoakReaders.Tokenizer);
        yield return SoakSubject.OfFile("tokenizer.model", VocabularySamples.SentencePiece(Of("pieces.model")), SoakReaders.Tokenizer);
        yield return SoakSubject.OfFile("tokenizer.bin", VocabularySamples.Llama2C(Of("tok264.bin")), SoakReaders.Tokenizer);
        yield return SoakSubject.OfFile("llama2.c model", Llama2C(Of("model.bin")), SoakReaders.Llama2C);

        LoadedTokenizer tokenizer = TokenizerLoader.Load(Of("tokenizer"));
        using LlamaModel model = new(Shape with { VocabularySize = tokenizer.Tokenizer.VocabularySize });
        LlamaInitializer.Initialize(model, seed: 1);
        HuggingFaceWriter.Save(Of("sharded"), model, tokenizer.Tokenizer, tokenizer.SourceFiles);
        Divide(Of("sharded"));
        yield return SoakSubject.OfFolder("sharded model", Of("sharded"), SoakReaders.Model);
        HuggingFaceWriter.SavePacked(Of("packed"), model, Quantized(model), tokenizer.Tokenizer, tokenizer.SourceFiles);
        yield return SoakSubject.OfFolder("packed model", Of("packed"), SoakReaders.Model);
        yield return SoakSubject.OfFolder("checkpoint", Checkpoint(Of("checkpoints")), SoakReaders.Checkpoint);
    }

    /// <summary>Shape of every model here.</summary>
    public static LlamaConfig Shape { get; } = new()
    {
        VocabularySize = 8,
        HiddenSize = 8,
        IntermediateSize = 12,
        LayerCount = 1,
        HeadCount = 2,
        KeyValueHeadCount = 1,
        HeadSize = 4,
        ContextTokens = 16,
        TieWordEmbeddings = true,
    };

    private static string AllDtypes(string path)
    {
        SafetensorsWriter.Write(
            path,
            Enum.GetValues<SafetensorsDtype>().Select((dtype, index) => SafetensorsEntry.FromBytes($"t.{dtype}", dtype, [index % 3, 4], new byte[index % 3 * 4 * dtype.ElementBytes()])),
            new Dictionary<string, string> { ["format"] = "pt", ["größe"] = "\"▁\"\n" });
        return path;
    }

    private static string QuantizedTensors(string path)
    {
        QuantizedTensorFile.Save(path, new Dictionary<string, QuantizedTensor>
        {
            ["a"] = Quantized(3, 20, new CodeGrid(3, GridKind.TwosComplement), new QuantGranularity.PerChannel()),
            ["b"] = Quantized(2, 40, new CodeGrid(2, GridKind.HalfInteger), new QuantGranularity.PerBlock(16), twoLevels: true),
            ["c"] = Quantized(4, 6, new CodeGrid(8, GridKind.Affine), new QuantGranularity.PerTensor()),
        });
        return path;
    }

    private static Dictionary<string, QuantizedTensor> Quantized(LlamaModel model) => model.QuantizableLayers
        .Where(entry => entry.Name.Contains("proj", StringComparison.Ordinal))
        .ToDictionary(entry => entry.Name, entry => Quantized(
            (int)entry.Layer.Weight.shape[0], (int)entry.Layer.Weight.shape[1], new CodeGrid(4, GridKind.Affine), new QuantGranularity.PerBlock(4)));

    private static QuantizedTensor Quantized(int rows, int columns, CodeGrid grid, QuantGranularity granularity, bool twoLevels = false)
    {
        GroupLayout layout = GroupLayout.For(granularity, rows, columns);
        Half[] scales = new Half[twoLevels ? layout.LineCount * TwoLevelScale.SuperScalesPerLine(layout) : layout.GroupCount];
        Array.Fill(scales, (Half)0.125f);
        byte[]? subScales = twoLevels ? [.. Enumerable.Repeat((byte)3, (int)layout.GroupCount)] : null;
        byte[]? zeroPoints = grid.Symmetric ? null : new byte[layout.GroupCount];
        return new QuantizedTensor(rows, columns, grid, granularity, new byte[rows * BitPacking.RowBytes(columns, grid.Bits)], scales, zeroPoints, subScales);
    }

    /// <summary>A legacy llama2.c file: seven numbers, the weights, tables of cosines and sines.</summary>
    private static string Llama2C(string path)
    {
        using FileStream stream = File.Create(path);
        using BinaryWriter writer = new(stream);
        LlamaConfig config = Shape with { VocabularySize = 40 };
        foreach (int number in (int[])[config.HiddenSize, config.IntermediateSize, config.LayerCount, config.HeadCount, config.KeyValueHeadCount, config.VocabularySize, config.ContextTokens])
            writer.Write(number);
        long weights = LlamaWeightShapes.Of(config).Sum(weight => Shapes.ElementCount(weight.Shape));
        for (long index = 0; index < weights; index++)
            writer.Write(0.01f * (index % 7));
        foreach (Func<double, double> table in (Func<double, double>[])[Math.Cos, Math.Sin])
        {
            for (int position = 0; position < config.ContextTokens; position++)
            {
                for (int pair = 0; pair < config.HeadSize / 2; pair++)
                    writer.Write((float)table(position * Math.Pow(config.RopeTheta, -2.0 * pair / config.HeadSize)));
            }
        }

        return path;
    }

    /// <summary>Makes two shards and an index of a single file of weights.</summary>
    private static void Divide(string folder)
    {
        string single = Path.Combine(folder, HuggingFaceNames.Weights);
        StringBuilder index = new("{\"metadata\":{\"total_size\":0},\"weight_map\":{");
        using (SafetensorsFile file = SafetensorsFile.Open(single))
        {
            SafetensorsTensor[] tensors = [.. file.Tensors];
            foreach ((string shard, SafetensorsTensor[] part) in new[] { ("one", tensors[..5]), ("two", tensors[5..]) })
            {
                SafetensorsWriter.Write(Path.Combine(folder, shard + ShardSuffix), part.Select(tensor => SafetensorsEntry.FromBytes(tensor.Name, tensor.Dtype, tensor.Shape, file.ReadBytes(tensor.Name))));
                index.AppendJoin(',', part.Select(tensor => $"\"{tensor.Name}\":\"{shard}{ShardSuffix}\"")).Append(shard == "one" ? "," : "}}");
            }
        }

        File.Delete(single);
        File.WriteAllText(Path.Combine(folder, HuggingFaceNames.Index), index.ToString());
    }

    private static string Checkpoint(string folder) => new CheckpointStore(folder, keep: 1).Save(3,
    [
        ("model.safetensors", path => SafetensorsWriter.Write(path, [SafetensorsEntry.FromBytes("w", SafetensorsDtype.F32, [4], new byte[16])])),
        ("state.json", path => File.WriteAllText(path, "{\"format_version\": 1, \"step\": 3}")),
    ]);
}
