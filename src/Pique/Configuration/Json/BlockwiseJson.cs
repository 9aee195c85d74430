namespace Pique.Configuration;

/// <summary>JSON of a <see cref="BlockwiseRecipe"/>.</summary>
internal static class BlockwiseJson
{
    public static void Write(PrettyJsonWriter json, string name, BlockwiseRecipe? blockwise) => json.Field(name, () =>
    {
        if (blockwise is null)
        {
            json.String(null);
            return;
        }

        json.Object(() =>
        {
            json.Field("epochs", blockwise.Epochs);
            json.Field("rows", blockwise.Rows);
            json.Field("learning_rate", blockwise.LearningRate);
            json.Field("weight_learning_rate", blockwise.WeightLearningRate);
            json.Field("scales_end_to_end", blockwise.ScalesEndToEnd);
        });
    });

    public static BlockwiseRecipe Read(ObjectReader fields)
    {
        BlockwiseRecipe fallback = new();
        return new()
        {
            Epochs = fields.Int32("epochs", fallback.Epochs),
            Rows = fields.OptionalInt32("rows", fallback.Rows),
            LearningRate = fields.OptionalSingle("learning_rate", fallback.LearningRate),
            WeightLearningRate = fields.OptionalSingle("weight_learning_rate", fallback.WeightLearningRate),
            ScalesEndToEnd = fields.Boolean("scales_end_to_end", fallback.ScalesEndToEnd),
        };
    }
}
