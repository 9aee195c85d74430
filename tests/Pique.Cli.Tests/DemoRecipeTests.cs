using Pique.Configuration;

namespace Pique.Cli.Tests;

public class DemoRecipeTests
{
    [Fact]
    public void The_demo_of_every_preset_is_a_valid_recipe()
    {
        using TemporaryFolder folder = new();
        string model = TinyModel.Save(folder.Of("model"));
        foreach (string name in Presets.Names)
        {
            Assert.True(Presets.TryGet(name, out QatConfig? preset));
            foreach (bool quick in (bool[])[false, true])
            {
                Recipe recipe = DemoRecipe.Compose(preset, model, quick);
                Assert.Empty(recipe.Validate());
                Assert.True(DemoRecipe.IsDemo(recipe));
                Assert.Equal(preset.PiK, recipe.Qat.PiK);
            }
        }
    }

    [Fact]
    public void A_recipe_of_files_is_no_demo()
    {
        using TemporaryFolder folder = new();

        Recipe recipe = RecipeComposer.Compose(QatConfig.PiQ3, TinyModel.Save(folder.Of("model")), [folder.Of("data.txt")]);

        Assert.False(DemoRecipe.IsDemo(recipe));
    }

    [Fact]
    public void A_run_of_another_recipe_is_no_demo_whatever_its_data_and_stays()
    {
        var source = Assert.IsType<ConfigurationSource.Training>(RecipeFile.Load(Repository.PathOf("recipes", "blockwise-2bit.json")));
        Recipe demo = DemoRecipe.Compose(QatConfig.PiQ3, EmbeddedModel.Find(), quick: true);
        Assert.False(DemoRecipe.IsDemo(source.Recipe));
        Assert.True(DemoRecipe.IsDemo(demo with { Training = demo.Training with { Seed = 7 } }));
        Assert.False(DemoRecipe.IsDemo(demo with { Training = demo.Training with { MaxSteps = 7 } }));
        Assert.False(DemoRecipe.IsDemo(demo with { Qat = demo.Qat with { Epochs = 2 } }));

        using TemporaryFolder folder = new();
        string recipe = folder.Write("recipe.json", RecipeJson.Write(source.Recipe));
        (int exitCode, _, string error) = FakeTerminal.Run("demo", "--out", folder.Path, "--quiet");
        Assert.Equal((2, $"error: {folder.Path}: the output folder is not empty. Choose an empty or new folder with --out.\n"), (exitCode, error));
        Assert.True(File.Exists(recipe));
    }

    [Fact]
    public void The_embedded_model_is_found_in_a_folder_above()
    {
        using TemporaryFolder folder = new();
        string model = Directory.CreateDirectory(folder.Of("models/pique-tiny")).FullName;
        File.WriteAllText(Path.Combine(model, "config.json"), "{}");
        string start = Directory.CreateDirectory(folder.Of("bin/release")).FullName;

        Assert.Equal(model, EmbeddedModel.Find(start));
    }

    [Fact]
    public void A_missing_embedded_model_is_named()
    {
        using TemporaryFolder folder = new();

        InputException error = Assert.Throws<InputException>(() => EmbeddedModel.Find(folder.Path));

        Assert.StartsWith(Path.Combine(folder.Path, "models", "pique-tiny") + ": the embedded model is missing", error.Message, StringComparison.Ordinal);
    }
}
