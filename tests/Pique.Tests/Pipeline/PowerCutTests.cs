using Pique.Configuration;
using Pique.Pipeline;
using Pique.Training;

namespace Pique.Tests.Pipeline;

/// <summary>Truncates every file of an interrupted run, one at a time, as a power cut may.</summary>
public sealed class PowerCutTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Whichever_file_is_cut_short_or_emptied_the_resumed_run_writes_the_same_model()
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        Dictionary<string, byte[]> expected = MicroData.Files(Run(recipe, "whole")!.ModelFolder);
        Assert.Null(Run(recipe, "run", cancelAtStep: 3));
        Dictionary<string, byte[]> left = MicroData.Files(_temporary.File("run"));
        Assert.Equal(12, left.Count);

        foreach ((string file, byte[] bytes) in left)
        {
            foreach (int length in (int[])[bytes.Length / 2, 0])
            {
                string run = $"{file.Replace(Path.DirectorySeparatorChar, '-')} {length}";
                Copy(left, _temporary.File(run));
                File.WriteAllBytes(Path.Combine(_temporary.File(run), file), bytes[..length]);

                QatRunResult result = Run(recipe, run, resume: true)!;

                Assert.Equal(expected, MicroData.Files(result.ModelFolder));
                Assert.Equal(RecipeJson.Write(recipe), File.ReadAllText(Path.Combine(_temporary.File(run), RunFolder.RecipeName)));
            }
        }
    }

    [Fact]
    public void A_damaged_recipe_is_no_way_to_resume_a_run_with_another_one()
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        Assert.Null(Run(recipe, "run", cancelAtStep: 3));
        File.WriteAllText(Path.Combine(_temporary.File("run"), RunFolder.RecipeName), "{");

        InputException failure = Assert.Throws<InputException>(() => Run(recipe with { Training = recipe.Training with { WeightLearningRate = 1 } }, "run", resume: true));

        Assert.Matches("step-000003: the checkpoint is of another run: configuration digest ", failure.Message);
    }

    private static void Copy(Dictionary<string, byte[]> files, string folder)
    {
        foreach ((string file, byte[] bytes) in files)
        {
            string path = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, bytes);
        }
    }

    private QatRunResult? Run(Recipe recipe, string name, bool resume = false, int? cancelAtStep = null)
    {
        using CancellationTokenSource cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        QatPipeline pipeline = new(TimeProvider.System);
        pipeline.Reported += happening =>
        {
            if (happening is PipelineEvent.Trained { Event: TrainingEvent.StepCompleted step } && step.Metrics.Step == cancelAtStep)
                cancellation.Cancel();
        };
        return pipeline.Run(recipe, _temporary.File(name), resume, cancellation.Token);
    }
}
