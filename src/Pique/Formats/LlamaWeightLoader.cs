using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Formats;

/// <summary>Makes a Llama or one of its relatives from a checkpoint: compares every name and shape first, then allocates the model and reads the values straight into its parameters.</summary>
internal static class LlamaWeightLoader
{
    /// <summary>Buffers that old exporters stored beside the weights; they follow from rope_theta and rope_scaling.</summary>
    private const string DerivedBufferSuffix = ".rotary_emb.inv_freq";

    /// <summary>Loads a model.</summary>
    /// <param name="source">Weights of the checkpoint.</param>
    /// <param name="config">Shape of the model.</param>
    /// <exception cref="InputException">Weights are missing, unexpected or of other shapes, all of them named; or a value is not finite.</exception>
    public static LlamaModel Load(IWeightSource source, LlamaConfig config)
    {
        CheckShapes(source, config);
        LlamaModel model = new(config);
        try
        {
            foreach ((string name, Parameter parameter) in model.named_parameters())
                ReadInto(source, StoredName(source, config, name), parameter);
            CheckTiedCopies(source, config);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Loads a model whose matrices are frozen, tensor by tensor: nothing of the model's size exists in float32.</summary>
    /// <param name="source">Weights of the checkpoint.</param>
    /// <param name="config">Shape of the model.</param>
    /// <param name="storage">How matrices are held; null for float32, which rounds nothing.</param>
    /// <param name="packed">Matrices that are quantized already, by layer name without ".weight", which are held as they are.</param>
    /// <exception cref="InputException">As for <see cref="Load"/>.</exception>
    public static LlamaModel LoadFrozen(IWeightSource source, LlamaConfig config, FrozenStorage? storage, IReadOnlyDictionary<string, QuantizedTensor> packed)
    {
        CheckShapes(source, config);
        LlamaModel model = LlamaModel.WithoutMatrices(config);
        try
        {
            foreach ((string name, IQuantizableLayer layer) in model.QuantizableLayers)
            {
                layer.Frozen = new(packed.TryGetValue(name, out QuantizedTensor? tensor)
                    ? new PackedWeight(tensor)
                    : ReadFrozen(source, StoredName(source, config, $"{name}.weight"), storage));
            }

            foreach ((string name, Parameter parameter) in model.named_parameters().Where(entry => entry.parameter.device_type != DeviceType.META))
                ReadInto(source, name, parameter);
            CheckTiedCopies(source, config);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Checks that a checkpoint holds the weights of a model and nothing else, without loading it.</summary>
    /// <param name="source">Weights of the checkpoint.</param>
    /// <param name="config">Shape of the model.</param>
    /// <exception cref="InputException">Weights are missing, unexpected or of other shapes, all of them named; or two copies of one differ.</exception>
    public static void Check(IWeightSource source, LlamaConfig config)
    {
        CheckShapes(source, config);
        CheckTiedCopies(source, config);
    }

    /// <summary>Refuses a number of layers that the checkpoint cannot hold, before a list of that length is made.</summary>
    /// <param name="path">File or folder, for messages.</param>
    /// <param name="config">Shape of the model.</param>
    /// <param name="tensorCount">Tensors in the checkpoint.</param>
    /// <exception cref="InputException">There are too many layers.</exception>
    public static void CheckLayerCount(string path, LlamaConfig config, int tensorCount)
    {
        if (config.LayerCount > LlamaWeightShapes.MaxLayerCount(tensorCount))
            throw new InputException($"{path}: num_hidden_layers is {config.LayerCount}, the checkpoint's {tensorCount} tensors make up at most {LlamaWeightShapes.MaxLayerCount(tensorCount)} layers; use the config.json and the weights of one checkpoint");
    }

    private static void CheckShapes(IWeightSource source, LlamaConfig config)
    {
        CheckLayerCount(source.Path, config, source.Shapes.Count);
        List<string> missing = [];
        List<string> misshapen = [];
        HashSet<string> known = new(StringComparer.Ordinal);
        if (config.TieWordEmbeddings)
            known.UnionWith([LlamaWeightShapes.Embedding, LlamaWeightShapes.Head]);
        foreach ((string name, long[] shape) in LlamaWeightShapes.Of(config))
        {
            string storedName = StoredName(source, config, name);
            known.Add(storedName);
            if (!source.Shapes.TryGetValue(storedName, out IReadOnlyList<long>? storedShape))
                missing.Add(name);
            else if (!storedShape.SequenceEqual(shape))
                misshapen.Add($"{storedName} is {Shapes.Format(storedShape)}, expected {Shapes.Format(shape)}");
        }

        string[] unexpected =
        [
            .. source.Shapes.Keys
                .Where(name => !known.Contains(name) && !name.EndsWith(DerivedBufferSuffix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
        string[] faults =
        [
            .. missing.Count > 0 ? [$"missing: {MessageText.Join(missing)}"] : Array.Empty<string>(),
            .. unexpected.Length > 0 ? [$"unexpected: {MessageText.List(unexpected)}"] : Array.Empty<string>(),
            .. misshapen.Count > 0 ? [$"of another shape: {MessageText.Join(misshapen)}"] : Array.Empty<string>(),
        ];
        if (faults.Length > 0)
            throw new InputException($"{source.Path}: the weights do not fit the model's configuration: {string.Join("; ", faults)}; use the config.json and the weights of one checkpoint");
    }

    /// <summary>A tied model's one matrix is stored under either of its two names.</summary>
    private static string StoredName(IWeightSource source, LlamaConfig config, string name) =>
        config.TieWordEmbeddings && name == LlamaWeightShapes.Embedding && !source.Shapes.ContainsKey(name) && source.Shapes.ContainsKey(LlamaWeightShapes.Head)
            ? LlamaWeightShapes.Head
            : name;

    private static FrozenWeight ReadFrozen(IWeightSource source, string name, FrozenStorage? storage)
    {
        (long rows, long columns) = (source.Shapes[name][0], source.Shapes[name][1]);
        using FrozenWeightBuilder builder = new(storage, rows, columns);
        long rowsPerPiece = Math.Max(1, TensorMemory.PieceElements / columns);
        for (long first = 0; first < rows; first += rowsPerPiece)
        {
            using Tensor piece = empty([Math.Min(rowsPerPiece, rows - first), columns]);
            ReadInto(source, name, piece, first * columns);
            builder.Append(piece);
        }

        return builder.Finish();
    }

    private static void ReadInto(IWeightSource source, string name, Tensor target, long skippedElements = 0) =>
        TensorMemory.Visit(target, (element, values) =>
        {
            long firstElement = skippedElements + element;
            source.Read(name, firstElement, values);
            int index = FiniteCheck.IndexOfNonFinite(values);
            if (index >= 0)
                throw new InputException($"{source.Path}: tensor \"{name}\" holds {FiniteCheck.Describe(values[index], source.Shapes[name], firstElement + index)}, expected finite weights; fetch or export the checkpoint again");
        });

    /// <summary>A tied model may store its matrix twice; the two must agree.</summary>
    private static void CheckTiedCopies(IWeightSource source, LlamaConfig config)
    {
        if (!config.TieWordEmbeddings || !source.Shapes.ContainsKey(LlamaWeightShapes.Embedding) || !source.Shapes.TryGetValue(LlamaWeightShapes.Head, out IReadOnlyList<long>? headShape))
            return;

        IReadOnlyList<long> embeddingShape = source.Shapes[LlamaWeightShapes.Embedding];
        if (!headShape.SequenceEqual(embeddingShape))
            throw Disagreement($"the shape of {LlamaWeightShapes.Head} is {Shapes.Format(headShape)}, that of {LlamaWeightShapes.Embedding} {Shapes.Format(embeddingShape)}");

        long elementCount = Shapes.ElementCount(headShape);
        float[] embedding = new float[Math.Min(elementCount, TensorMemory.PieceElements)];
        float[] head = new float[embedding.Length];
        for (long first = 0; first < elementCount; first += embedding.Length)
        {
            int count = (int)Math.Min(embedding.Length, elementCount - first);
            source.Read(LlamaWeightShapes.Embedding, first, embedding.AsSpan(0, count));
            source.Read(LlamaWeightShapes.Head, first, head.AsSpan(0, count));
            if (!embedding.AsSpan(0, count).SequenceEqual(head.AsSpan(0, count)))
                throw Disagreement($"{LlamaWeightShapes.Head} and {LlamaWeightShapes.Embedding} hold different values");
        }

        InputException Disagreement(string found) =>
            new($"{source.Path}: tie_word_embeddings is true, but {found}; set tie_word_embeddings to false if the checkpoint's head is its own");
    }
}
