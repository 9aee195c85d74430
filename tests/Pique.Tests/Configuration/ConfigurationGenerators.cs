using CsCheck;
using Pique.Configuration;

namespace Pique.Tests.Configuration;

/// <summary>Random valid configurations and recipes.</summary>
internal static class ConfigurationGenerators
{
    private static readonly Gen<float> Positive = Gen.Float.Where(value => value > 0 && float.IsFinite(value));
    private static readonly Gen<float> NotNegative = Gen.Float.Where(value => value >= 0 && float.IsFinite(value));
    private static readonly int[] ValidBits = [2, 3, 4, 5, 8];
    private static readonly Gen<int> Bits = Gen.Int[0, 4].Select(index => ValidBits[index]);
    private static readonly Gen<string> Text = Gen.String.Where(text => !string.IsNullOrWhiteSpace(text) && !text.Contains('\0') && !text.Any(char.IsSurrogate));

    private static readonly Gen<QuantGranularity> Granularity = Gen.OneOf(
        Gen.Const<QuantGranularity>(new QuantGranularity.PerTensor()),
        Gen.Const<QuantGranularity>(new QuantGranularity.PerChannel()),
        Gen.Const<QuantGranularity>(new QuantGranularity.PerToken()),
        Gen.Int[1, int.MaxValue].Select(blockSize => (QuantGranularity)new QuantGranularity.PerBlock(blockSize)));

    private static readonly Gen<SteVariant> Variant = Gen.OneOf(
        Gen.Const<SteVariant>(new SteVariant.Standard()),
        Gen.Const<SteVariant>(new SteVariant.LearnedStepSize()),
        Positive.Select(clipValue => (SteVariant)new SteVariant.Clipped(clipValue)),
        NotNegative.Select(lambda => (SteVariant)new SteVariant.Ewgs(lambda)));

    private static readonly Gen<QatLossWeights> LossWeights = Gen.Select(NotNegative, NotNegative, NotNegative, Positive, (task, kd, reasoning, temperature) =>
        new QatLossWeights { LambdaTask = task, LambdaKd = kd, LambdaReasoning = reasoning, KdTemperature = temperature });

    public static Gen<QatConfig> Config { get; } = Gen.Select(
        Gen.Select(Bits, Variant, Granularity, LossWeights),
        Gen.Select(Gen.Int[1, int.MaxValue], Positive, Gen.Nullable(Gen.Int[2, 5]), Gen.Int[0, int.MaxValue]),
        Gen.Select(Gen.Nullable(Positive), NotNegative),
        Gen.Bool.Array[4],
        (grid, training, limits, flags) => new QatConfig
        {
            Bits = grid.Item1,
            SteVariant = grid.Item2,
            Granularity = grid.Item3,
            LossWeights = grid.Item4,
            Epochs = training.Item1,
            LearningRate = training.Item2,
            PiK = training.Item3,
            WarmupEpochs = training.Item4,
            GradClip = limits.Item1,
            WeightDecay = limits.Item2,
            UseIncoherence = flags[0],
            Symmetric = flags[1],
            UseDistillation = flags[2],
            FreezeTeacher = flags[3],
        });

    private static readonly CalibrationRecipe[] Calibrations =
    [
        new(), new() { Weighted = false, Percentile = 0.5f }, new() { Samples = new() { General = 3, Code = 1 } }, new() { Artifact = "c.json", Damping = 1 }, new() { ActivationOrder = false, Samples = new() { Reasoning = 2, ToolUse = 4 } },
    ];

    private static readonly Gen<LoraRecipe> Lora = Gen.Select(
        Gen.Nullable(Gen.Int[1, int.MaxValue]),
        Positive,
        Gen.Float[0, 1].Where(share => share < 1),
        Text.List[0, 3],
        Gen.Enum<FrozenStorage>(),
        (rank, alpha, dropout, targets, storage) => new LoraRecipe
        {
            Rank = rank is { } value ? new LoraRank.Fixed(value) : new LoraRank.Auto(),
            Alpha = alpha,
            Dropout = dropout,
            TargetModules = targets.Count == 0 ? new LoraTargets.AllLinear() : new LoraTargets.Named([.. targets.Distinct()]),
            Base = storage,
        });

    public static Gen<Recipe> Recipe { get; } = Gen.Select(
        Config,
        Gen.Select(Text, Gen.Bool, Gen.Int[2, 8], Gen.Enum<CalibrationMethod>()),
        Gen.Select(Gen.Select(Text, Gen.Enum<DataDomain>()).List[1, 3], Gen.Bool, Gen.Int[0, 1000], Gen.Long, Gen.Int[2, 4096]),
        Gen.Select(Gen.Int[4096, int.MaxValue], Gen.Nullable(NotNegative), Gen.Enum<LearningRateSchedule>(), Gen.Float[0, 1], Gen.Nullable(Gen.Int[1, int.MaxValue]), Gen.Long),
        Gen.Select(Text, Gen.Nullable(Bits), Granularity, Gen.Bool).List[0, 3],
        Gen.Select(Gen.Enum<WeightGrid>(), Gen.Nullable(NotNegative), Gen.Bool, NotNegative, Gen.Bool, Lora),
        (config, model, data, training, overrides, weights) => new Recipe
        {
            Lora = weights.Item5 && training.Item1 % 3 != 0 && (config.FreezeTeacher || !config.UseDistillation) && Calibrations[(int)model.Item4] is { Artifact: null, Samples: null } && !model.Item2 && overrides.All(layers => layers.Item2 != 5)
                ? weights.Item6
                : null,
            Qat = weights.Item1 == WeightGrid.Auto ? config : config with { Symmetric = true, Bits = Math.Min(config.Bits, 5), Granularity = new QuantGranularity.PerBlock(32) },
            Grid = weights.Item1,
            Estimator = weights.Item2 is { } delta ? new SteVariant.EwgsSigned(delta) : null,
            PiKPerChannel = weights.Item3 && config.IsPiQuant,
            OscillationDampening = weights.Item4,
            Model = model.Item1,
            Teacher = model.Item2 ? model.Item1 : null,
            ActivationBits = model.Item3,
            Calibration = Calibrations[(int)model.Item4] with { Method = model.Item4, Weighted = model.Item2 }, // Written whether or not it is stated.
            Data = new DataRecipe
            {
                Files = [.. data.Item1.Select(file => new DataFile { Path = file.Item1, Domain = file.Item2 })],
                Curriculum = data.Item2 ? new CurriculumRecipe { General = data.Item3 + 1, Reasoning = data.Item3, HeldOut = data.Item3, Seed = data.Item4 } : null,
                ContextTokens = data.Item5,
            },
            Training = new TrainingRecipe
            {
                BatchTokens = training.Item1,
                WeightLearningRate = training.Item2,
                Schedule = training.Item3,
                FinalLearningRateFraction = training.Item4,
                MaxSteps = training.Item5,
                GradientCheckpointing = model.Item2,
                ComputeType = weights.Item5 ? ComputeType.Auto : model.Item2 ? ComputeType.Bfloat16 : ComputeType.Float32,
                AccumulationSteps = training.Item1 / data.Item5,
                ScheduleDecayShare = 1 - (training.Item4 / 2),
                EvaluateEverySteps = training.Item5,
                KeepBest = training.Item5 is not null && data.Item2,
                EarlyStopEvaluations = training.Item5,
                MaxSkippedSteps = model.Item3,
                Seed = training.Item6,
                OptimizerStates = data.Item2 ? OptimizerStates.Int8 : OptimizerStates.Float32,
                LatentWeights = training.Item1 % 3 == 0 ? LatentWeights.Bfloat16 : LatentWeights.Float32,
                ReasoningPreset = (ReasoningPreset)(Math.Abs(training.Item1) % 3),
                TeacherCache = config is { UseDistillation: true, FreezeTeacher: true } && training.Item1 % 2 == 0
                    ? new TeacherCacheRecipe { TopK = 1 + (training.Item1 / 2), Folder = model.Item2 ? model.Item1 : null }
                    : null,
            },
            Overrides = [.. overrides.Select(layers => layers.Item4
                ? new LayerOverride { Pattern = layers.Item1, FullPrecision = true }
                : new LayerOverride { Pattern = layers.Item1, Bits = layers.Item2 == 5 ? null : weights.Item1 == WeightGrid.TwoLevel ? layers.Item2 ?? 8 : layers.Item2, AverageBits = layers.Item2 == 5 ? 3.25f : null, Granularity = layers.Item3 })],
        });
}
