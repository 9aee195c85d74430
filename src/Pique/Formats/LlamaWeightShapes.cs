using Pique.Models.Llama;

namespace Pique.Formats;

/// <summary>The weights a checkpoint of a Llama or of one of its relatives consists of, computed from its configuration.</summary>
internal static class LlamaWeightShapes
{
    /// <summary>Name of the token embedding.</summary>
    public const string Embedding = "model.embed_tokens.weight";

    /// <summary>Name of the output head; absent where it is the embedding.</summary>
    public const string Head = "lm_head.weight";

    /// <summary>Weights outside the layers of a tied model.</summary>
    private const int WeightsOutsideLayers = 2;

    /// <summary>Weights of a layer in the families that have fewest. Counting the biases and norms of the others too would call a checkpoint that lacks them one of fewer layers, and not name what is missing.</summary>
    private const int LeastWeightsPerLayer = 9;

    /// <summary>Largest number of layers a checkpoint of so many tensors can have, whatever its family.</summary>
    /// <param name="tensorCount">Tensors in the checkpoint.</param>
    public static int MaxLayerCount(int tensorCount) => Math.Max(0, tensorCount - WeightsOutsideLayers) / LeastWeightsPerLayer;

    /// <summary>Shape of every weight by its name, in the order of the network.</summary>
    /// <param name="config">Shape of the model.</param>
    public static IReadOnlyList<(string Name, long[] Shape)> Of(LlamaConfig config)
    {
        long hidden = config.HiddenSize;
        long queries = (long)config.HeadCount * config.HeadSize;
        long keys = (long)config.KeyValueHeadCount * config.HeadSize;
        List<(string, long[])> shapes = [(Embedding, [config.VocabularySize, hidden])];
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            shapes.Add(($"{prefix}input_layernorm.weight", [hidden]));
            AddProjection($"{prefix}self_attn.q_proj", queries, hidden, config.HasQueryKeyValueBias);
            AddProjection($"{prefix}self_attn.k_proj", keys, hidden, config.HasQueryKeyValueBias);
            AddProjection($"{prefix}self_attn.v_proj", keys, hidden, config.HasQueryKeyValueBias);
            if (config.Family.NormalizesQueryAndKey)
            {
                shapes.Add(($"{prefix}self_attn.q_norm.weight", [config.HeadSize]));
                shapes.Add(($"{prefix}self_attn.k_norm.weight", [config.HeadSize]));
            }

            AddProjection($"{prefix}self_attn.o_proj", hidden, queries, config.AttentionBias);
            shapes.Add(($"{prefix}post_attention_layernorm.weight", [hidden]));
            shapes.Add(($"{prefix}mlp.gate_proj.weight", [config.IntermediateSize, hidden]));
            shapes.Add(($"{prefix}mlp.up_proj.weight", [config.IntermediateSize, hidden]));
            shapes.Add(($"{prefix}mlp.down_proj.weight", [hidden, config.IntermediateSize]));
        }

        shapes.Add(("model.norm.weight", [hidden]));
        if (!config.TieWordEmbeddings)
            shapes.Add((Head, [config.VocabularySize, hidden]));
        return shapes;

        void AddProjection(string name, long outputs, long inputs, bool hasBias)
        {
            shapes.Add(($"{name}.weight", [outputs, inputs]));
            if (hasBias)
                shapes.Add(($"{name}.bias", [outputs]));
        }
    }
}
