namespace Pique.Configuration;

/// <summary>The JSON of a <see cref="PretrainRecipe"/>, laid out as <see cref="RecipeJson"/> lays out its own.</summary>
public static class PretrainRecipeJson
{
    /// <summary>Writes a recipe with every field, without a line end after the last brace.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <returns>The text.</returns>
    public static string Write(PretrainRecipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        PrettyJsonWriter json = new();
        json.Object(() =>
        {
            json.Field("initial_model", recipe.InitialModel);
            json.Field("architecture", () => WriteArchitecture(json, recipe.Architecture));
            json.Field("tokenizer", () => json.Object(() => json.Field("vocabulary_size", recipe.Tokenizer.VocabularySize)));
            RecipePartsJson.Write(json, "data", recipe.Data);
            RecipePartsJson.Write(json, "training", recipe.Training);
            json.Field("weight_decay", recipe.WeightDecay);
            json.Field("grad_clip", recipe.GradClip);
            json.Field("epochs", recipe.Epochs);
            json.Field("learning_rate", recipe.LearningRate);
        });
        return json.ToString();
    }

    /// <summary>Reads and validates a recipe. Missing fields take their defaults; paths stay as written.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">File or argument it came from, for the message.</param>
    /// <returns>The recipe.</returns>
    /// <exception cref="ConfigurationException">The text is no recipe or a value is not valid; lists every fault.</exception>
    public static PretrainRecipe Read(string json, string source) => Examine(json).ValueOrThrow(source);

    /// <summary>Reads a recipe and lists its faults without throwing.</summary>
    /// <param name="json">The text.</param>
    /// <returns>The recipe, where the text is one, and every fault.</returns>
    public static ConfigurationReading<PretrainRecipe> Examine(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return ConfigurationDocument.Read(json, ReadObject, PretrainRecipeRules.Check);
    }

    internal static PretrainRecipe ReadObject(ObjectReader fields)
    {
        PretrainRecipe fallback = new();
        return new PretrainRecipe
        {
            InitialModel = fields.OptionalString("initial_model", fallback.InitialModel),
            Architecture = fields.Object("architecture", fallback.Architecture, ReadArchitecture),
            Tokenizer = fields.Object("tokenizer", fallback.Tokenizer, tokenizer => new TokenizerRecipe
            {
                VocabularySize = tokenizer.Int32("vocabulary_size", fallback.Tokenizer.VocabularySize),
            }),
            Data = fields.Object("data", fallback.Data, RecipePartsJson.ReadData),
            Training = fields.Object("training", fallback.Training, RecipePartsJson.ReadTraining),
            WeightDecay = fields.Single("weight_decay", fallback.WeightDecay),
            GradClip = fields.OptionalSingle("grad_clip", fallback.GradClip),
            Epochs = fields.Int32("epochs", fallback.Epochs),
            LearningRate = fields.Single("learning_rate", fallback.LearningRate),
        };
    }

    private static void WriteArchitecture(PrettyJsonWriter json, ArchitectureRecipe architecture) => json.Object(() =>
    {
        json.Field("hidden_size", architecture.HiddenSize);
        json.Field("intermediate_size", architecture.IntermediateSize);
        json.Field("layers", architecture.Layers);
        json.Field("heads", architecture.Heads);
        json.Field("key_value_heads", architecture.KeyValueHeads);
        json.Field("head_size", architecture.HeadSize);
        json.Field("context_tokens", architecture.ContextTokens);
        json.Field("tie_embeddings", architecture.TieEmbeddings);
        json.Field("rope_theta", architecture.RopeTheta);
    });

    private static ArchitectureRecipe ReadArchitecture(ObjectReader fields)
    {
        ArchitectureRecipe fallback = new();
        return new ArchitectureRecipe
        {
            HiddenSize = fields.Int32("hidden_size", fallback.HiddenSize),
            IntermediateSize = fields.Int32("intermediate_size", fallback.IntermediateSize),
            Layers = fields.Int32("layers", fallback.Layers),
            Heads = fields.Int32("heads", fallback.Heads),
            KeyValueHeads = fields.Int32("key_value_heads", fallback.KeyValueHeads),
            HeadSize = fields.OptionalInt32("head_size", fallback.HeadSize),
            ContextTokens = fields.Int32("context_tokens", fallback.ContextTokens),
            TieEmbeddings = fields.Boolean("tie_embeddings", fallback.TieEmbeddings),
            RopeTheta = fields.Single("rope_theta", fallback.RopeTheta),
        };
    }
}
