using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class PretrainRecipeJsonTests
{
    [Fact]
    public void A_recipe_survives_writing_and_reading()
    {
        PretrainRecipe recipe = new()
        {
            Architecture = new ArchitectureRecipe { HiddenSize = 96, IntermediateSize = 256, Layers = 3, Heads = 6, KeyValueHeads = 3, HeadSize = 16, ContextTokens = 128, TieEmbeddings = false, RopeTheta = 5000 },
            Tokenizer = new TokenizerRecipe { VocabularySize = 777 },
            Data = new DataRecipe { Curriculum = new CurriculumRecipe { General = 1, Reasoning = 2, ToolUse = 3, Seed = 4, HeldOut = 5 }, ContextTokens = 128 },
            Training = new TrainingRecipe { Schedule = LearningRateSchedule.Linear, BatchTokens = 512 },
            WeightDecay = 0.05f,
            GradClip = null,
            Epochs = 7,
            LearningRate = 3e-3f,
        };
        string json = PretrainRecipeJson.Write(recipe);
        PretrainRecipe read = PretrainRecipeJson.Read(json, "test");
        Assert.Equal(recipe.Architecture, read.Architecture);
        Assert.Equal(recipe.Tokenizer, read.Tokenizer);
        Assert.Equal(recipe.Data.Curriculum, read.Data.Curriculum);
        Assert.Equal(recipe.Training, read.Training);
        Assert.Equal((0.05f, null, 7, 3e-3f), (read.WeightDecay, read.GradClip, read.Epochs, read.LearningRate));
        Assert.Equal(json, PretrainRecipeJson.Write(read));
    }

    [Theory]
    [InlineData("\"architecture\": {\"key_value_heads\": 3}", "architecture.key_value_heads")]
    [InlineData("\"architecture\": {\"hidden_size\": 100}", "architecture.hidden_size")]
    [InlineData("\"architecture\": {\"head_size\": 7}", "architecture.head_size")]
    [InlineData("\"architecture\": {\"context_tokens\": 128}", "data.context_tokens")]
    [InlineData("\"architecture\": {\"rope_theta\": 0}", "architecture.rope_theta")]
    [InlineData("\"tokenizer\": {\"vocabulary_size\": 258}", "tokenizer.vocabulary_size")]
    [InlineData("\"training\": {\"weight_learning_rate\": 0.1}", "training.weight_learning_rate")]
    [InlineData("\"training\": {\"teacher_cache\": {}}", "training.teacher_cache")]
    [InlineData("\"training\": {\"reasoning_preset\": \"code\"}", "training.reasoning_preset")]
    [InlineData("\"training\": {\"latent_weights\": \"bfloat16\"}", "training.latent_weights")]
    [InlineData("\"training\": {\"mode\": \"blockwise\"}", "training.mode")]
    [InlineData("\"learning_rate\": 0", "learning_rate")]
    [InlineData("\"grad_clip\": -1", "grad_clip")]
    [InlineData("\"qat\": {}", "qat")]
    public void A_wrong_value_is_one_fault_at_its_path(string field, string path)
    {
        string json = "{\"data\": {\"curriculum\": {\"general\": 5}}, " + field + "}";
        Assert.Equal(path, Assert.Single(PretrainRecipeJson.Examine(json).Faults).Path);
    }

    [Fact]
    public void Latent_weights_there_are_none_of_are_told_with_the_remedy() => Assert.Equal(
        "training.latent_weights: found \"bfloat16\", expected \"float32\": full-precision training has no latent weights; remove it.",
        Assert.Single(PretrainRecipeJson.Examine("""{"data": {"curriculum": {"general": 5}}, "training": {"latent_weights": "bfloat16", "optimizer_states": "int8"}}""").Faults).ToString());

    [Fact]
    public void A_shape_whose_counts_are_zero_is_faults_and_no_division() =>
        Assert.Equal(
            ["architecture.hidden_size", "architecture.heads", "architecture.key_value_heads"],
            PretrainRecipeJson.Examine("""{"data": {"curriculum": {"general": 5}}, "architecture": {"hidden_size": 0, "heads": 0, "key_value_heads": 0}}""").Faults.Select(fault => fault.Path));
}
