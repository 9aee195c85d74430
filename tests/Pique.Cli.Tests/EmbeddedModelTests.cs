using Pique.Configuration;
using Pique.Data;
using Pique.Evaluation;
using Pique.Formats;

namespace Pique.Cli.Tests;

/// <summary>The committed model does what its card says.</summary>
public class EmbeddedModelTests
{
    private const int HeldOut = 100;

    [Fact]
    public void It_solves_95_percent_of_held_out_problems_and_requests()
    {
        using LoadedModel model = ModelLoader.Load(EmbeddedModel.Find());
        List<SourcedRecord> records = [.. SourcedRecord.FromSequence(Curriculum.HeldOut(new(General: 0, HeldOut, HeldOut, Seed: 7)), "held-out")];

        AnswerAccuracy? reasoning = AnswerEvaluator.Reasoning(model.Model, model.Tokenizer, records, TestContext.Current.CancellationToken);
        AnswerAccuracy? toolCalls = AnswerEvaluator.ToolCalls(model.Model, model.Tokenizer, records, TestContext.Current.CancellationToken);

        Assert.Equal(HeldOut, reasoning?.Total);
        Assert.Equal(HeldOut, toolCalls?.Total);
        Assert.InRange(reasoning!.Accuracy, 0.95, 1);
        Assert.InRange(toolCalls!.Accuracy, 0.95, 1);
    }

    [Theory]
    [InlineData("pique-tiny-1.json")]
    [InlineData("pique-tiny-2.json")]
    public void It_has_the_shape_its_recipes_state(string recipe)
    {
        string folder = EmbeddedModel.Find();
        var source = Assert.IsType<ConfigurationSource.Pretraining>(RecipeFile.Load(Repository.PathOf("recipes", recipe)));

        using LoadedModel model = ModelLoader.Load(folder);

        ArchitectureRecipe architecture = source.Recipe.Architecture;
        Assert.Equal(
            (architecture.HiddenSize, architecture.IntermediateSize, architecture.Layers, architecture.Heads, architecture.KeyValueHeads, architecture.ContextTokens),
            (model.Model.Config.HiddenSize, model.Model.Config.IntermediateSize, model.Model.Config.LayerCount, model.Model.Config.HeadCount, model.Model.Config.KeyValueHeadCount, model.Model.ContextTokens));
        Assert.Equal(source.Recipe.Tokenizer.VocabularySize, model.Tokenizer.VocabularySize);
    }
}
