using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Training;

namespace Pique.Tests.Training;

/// <summary>A model like that of <see cref="TinyRun"/>, with matrices large enough to have moments in 8 bits.</summary>
internal static class WideRun
{
    public static LlamaModel Student()
    {
        LlamaModel model = new(new LlamaConfig
        {
            VocabularySize = TinyRun.Vocabulary,
            HiddenSize = 48,
            IntermediateSize = 128,
            LayerCount = 1,
            HeadCount = 2,
            KeyValueHeadCount = 1,
            HeadSize = 24,
            ContextTokens = TinyRun.Context,
            TieWordEmbeddings = true,
        });
        LlamaInitializer.Initialize(model, 1);
        ModelQuantizer.Prepare(
            model.QuantizableLayers,
            _ => new WeightQuantizationSpec(4, new QuantGranularity.PerBlock(16), new SteVariant.LearnedStepSize()),
            ScaleMethod.AbsMax);
        return model;
    }

    public static TrainerOptions Options(string? folder, OptimizerStates states, LatentWeights latent)
    {
        TrainerOptions options = TrainerTests.QatOptions(folder);
        return options with { LossWeights = new() { LambdaKd = 0.5f, LambdaReasoning = 0 }, Training = options.Training with { OptimizerStates = states, LatentWeights = latent } };
    }

    public static TrainingResult Train(LlamaModel student, LlamaModel teacher, TrainerOptions options, int? interruptAt)
    {
        using CancellationTokenSource cancellation = new();
        using Trainer trainer = new(student, new TinyBatches(), options, teacher);
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted step && step.Metrics.Step == interruptAt)
                cancellation.Cancel();
        };
        return trainer.Run(cancellation.Token);
    }
}
