using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class ShippedRecipesTests
{
    public static TheoryData<string> Recipes => [.. Directory.EnumerateFiles(Path.Combine(Repository, "recipes"), "*.json").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static string Repository
    {
        get
        {
            DirectoryInfo folder = new(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "Pique.slnx")))
                folder = folder.Parent ?? throw new InvalidOperationException($"{AppContext.BaseDirectory}: no repository above it.");
            return folder.FullName;
        }
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public void A_shipped_recipe_is_valid_and_names_a_model_that_ships_or_is_trained_by_one(string name)
    {
        ConfigurationSource source = RecipeFile.Load(Path.Combine(Repository, "recipes", name));

        Assert.True(source is ConfigurationSource.Pretraining || Directory.Exists(Assert.IsType<ConfigurationSource.Training>(source).Recipe.Model));
    }

    [Theory]
    [InlineData("lora-piq3-r16.json", 3, 4, 16)]
    [InlineData("lora-piq2-r8.json", 2, 3, 8)]
    public void The_recipes_of_adapters_are_what_their_names_say(string name, int bits, int k, int rank)
    {
        Recipe recipe = Assert.IsType<ConfigurationSource.Training>(RecipeFile.Load(Path.Combine(Repository, "recipes", name))).Recipe;

        Assert.Equal(QatConfig.Pi(bits, k) with { UseIncoherence = bits == 2, Epochs = 1, WarmupEpochs = 0 }, recipe.Qat);
        Assert.Equal(new LoraRank.Fixed(rank), recipe.Lora!.Rank);
    }

    [Fact]
    public void The_recipe_of_blocks_is_what_its_name_says()
    {
        Recipe recipe = Assert.IsType<ConfigurationSource.Training>(RecipeFile.Load(Path.Combine(Repository, "recipes", "blockwise-2bit.json"))).Recipe;

        Assert.Equal((2, TrainingMode.Blockwise, true), (recipe.Qat.Bits, recipe.Training.Mode, recipe.Training.Blockwise!.ScalesEndToEnd));
        Assert.IsType<SteVariant.LearnedStepSize>(recipe.Qat.SteVariant);
    }
}
