using System.Globalization;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Data;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Pipeline;
using Pique.Quantization;
using Pique.Training;
using static TorchSharp.torch;

namespace Pique.Benchmarks.LoraMemory;

/// <summary>Trains adapters for a few steps in this process and looks at the memory it took.</summary>
internal static class LoraMemoryRun
{
    private const int ContextTokens = 512;
    private const int Steps = 2;

    /// <summary>Loads, calibrates and trains under the teacher, two steps of 1×512 tokens.</summary>
    /// <param name="model">Folder of the model.</param>
    /// <param name="storage">How frozen weights are held.</param>
    public static LoraMemoryRow Train(string model, FrozenStorage storage)
    {
        Recipe recipe = RecipeOf(model, storage);
        using LoadedModel loaded = ModelLoader.LoadFrozen(model, storage);
        double loadedMegabytes = PeakMegabytes();
        QuantizationPolicy policy = QuantizationPolicy.From(recipe);
        using AdapterRun adapters = AdapterRun.Create(loaded.Model, recipe, policy);
        CalibrationArtifact calibration = adapters.Calibrate(recipe, loaded, TimeProvider.System);
        adapters.Prepare(calibration, policy, recipe.ActivationBits);
        double preparedMegabytes = PeakMegabytes();

        List<double> seconds = [];
        double processMegabytes = preparedMegabytes;
        using Trainer trainer = new(loaded.Model, new RandomTokens(loaded.Model.Config), TrainerOptions.From(recipe), adapters.Base);
        trainer.Reported += happening =>
        {
            processMegabytes = Math.Max(processMegabytes, PeakMegabytes());
            if (happening is TrainingEvent.StepCompleted step)
                seconds.Add(step.Metrics.StepSeconds);
        };
        TrainingResult result = trainer.Run(); // Which begins a new peak before the first step.
        double trainingMegabytes = PeakMegabytes();
        return new("training", Name(storage), result.Steps, loadedMegabytes, preparedMegabytes, trainingMegabytes, Math.Max(processMegabytes, trainingMegabytes), seconds.Average());
    }

    /// <summary>The whole of what "pique train" does with a recipe, measuring and exporting included.</summary>
    /// <param name="model">Folder of the model.</param>
    /// <param name="storage">How frozen weights are held.</param>
    /// <param name="runFolder">Folder of the run.</param>
    public static LoraMemoryRow Run(string model, FrozenStorage storage, string runFolder)
    {
        List<double> seconds = [];
        double processMegabytes = 0;
        QatPipeline pipeline = new(TimeProvider.System);
        pipeline.Reported += happening =>
        {
            processMegabytes = Math.Max(processMegabytes, PeakMegabytes()); // Training begins new peaks.
            if (happening is PipelineEvent.Trained { Event: TrainingEvent.StepCompleted step })
                seconds.Add(step.Metrics.StepSeconds);
        };
        QatRunResult result = pipeline.Run(RecipeOf(model, storage), runFolder, resume: false, CancellationToken.None)!;
        return new("whole run", Name(storage), result.Steps, null, null, null, Math.Max(processMegabytes, PeakMegabytes()), seconds.Average());
    }

    private static string Name(FrozenStorage storage) => storage == FrozenStorage.Int8 ? "int8" : "bfloat16";

    private static Recipe RecipeOf(string model, FrozenStorage storage) => new()
    {
        Model = model,
        Qat = QatConfig.PiQ3 with { Epochs = 1, WarmupEpochs = 0 },
        Lora = new LoraRecipe { Base = storage },
        Data = new DataRecipe { ContextTokens = ContextTokens, Curriculum = new CurriculumRecipe { General = 12, HeldOut = 1, Seed = 1 } },
        Training = new TrainingRecipe { BatchTokens = ContextTokens, MaxSteps = Steps, Seed = 1 },
    };

    /// <summary>Most memory the process had resident at once since it or its training began.</summary>
    private static double PeakMegabytes()
    {
        string line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return double.Parse(line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    private sealed class RandomTokens(LlamaConfig config) : IBatchSource
    {
        public int BatchesPerEpoch => Steps;

        public IEnumerable<TokenBatch> Batches(int epoch, int startBatch = 0)
        {
            for (int batch = startBatch; batch < Steps; batch++)
            {
                SplitMix64 random = SplitMix64.ForStream(1, batch);
                long[] tokens = [.. Enumerable.Range(0, ContextTokens + 1).Select(_ => (long)random.NextInt32(config.VocabularySize))];
                yield return new TokenBatch(tensor(tokens[..^1], [1, ContextTokens]), tensor(tokens[1..], [1, ContextTokens]), ones(1, ContextTokens), [], ContextTokens);
            }
        }
    }
}
