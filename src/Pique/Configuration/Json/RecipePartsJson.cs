namespace Pique.Configuration;

/// <summary>JSON of the parts that a <see cref="Recipe"/> and a <see cref="PretrainRecipe"/> share.</summary>
internal static class RecipePartsJson
{
    public static void Write(PrettyJsonWriter json, string name, DataRecipe data) => json.Field(name, () => json.Object(() =>
    {
        json.List("files", data.Files, file => json.Object(() =>
        {
            json.Field("path", file.Path);
            json.Field("domain", file.Domain);
        }));
        json.Field("curriculum", () => WriteCurriculum(json, data.Curriculum));
        json.Field("held_out_share", data.HeldOutShare);
        json.Field("context_tokens", data.ContextTokens);
    }));

    public static DataRecipe ReadData(ObjectReader fields)
    {
        DataRecipe fallback = new();
        return new DataRecipe
        {
            Files = fields.List("files", fallback.Files, file => new DataFile { Path = file.String("path", ""), Domain = file.Enum("domain", new DataFile().Domain) }),
            Curriculum = fields.OptionalObject("curriculum", fallback.Curriculum, ReadCurriculum),
            HeldOutShare = fields.Single("held_out_share", fallback.HeldOutShare),
            ContextTokens = fields.Int32("context_tokens", fallback.ContextTokens),
        };
    }

    public static void Write(PrettyJsonWriter json, string name, TrainingRecipe training) => json.Field(name, () => json.Object(() =>
    {
        json.Field("mode", training.Mode);
        BlockwiseJson.Write(json, "blockwise", training.Blockwise);
        json.Field("batch_tokens", training.BatchTokens);
        json.Field("accumulation_steps", training.AccumulationSteps);
        json.Field("gradient_checkpointing", training.GradientCheckpointing);
        json.Field("compute_type", training.ComputeType);
        json.Field("weight_learning_rate", training.WeightLearningRate);
        json.Field("schedule", training.Schedule);
        json.Field("schedule_warmup_steps", training.ScheduleWarmupSteps);
        json.Field("final_learning_rate_fraction", training.FinalLearningRateFraction);
        json.Field("schedule_decay_share", training.ScheduleDecayShare);
        json.Field("evaluate_every_steps", training.EvaluateEverySteps);
        json.Field("keep_best", training.KeepBest);
        json.Field("early_stop_evaluations", training.EarlyStopEvaluations);
        json.Field("checkpoint_steps", training.CheckpointSteps);
        json.Field("keep_checkpoints", training.KeepCheckpoints);
        json.Field("max_skipped_steps", training.MaxSkippedSteps);
        json.Field("seed", training.Seed);
        json.Field("max_steps", training.MaxSteps);
        json.Field("adam_beta1", training.AdamBeta1);
        json.Field("adam_beta2", training.AdamBeta2);
        json.Field("adam_epsilon", training.AdamEpsilon);
        json.Field("optimizer_states", training.OptimizerStates);
        json.Field("latent_weights", training.LatentWeights);
        json.Field("reasoning_preset", training.ReasoningPreset);
        json.Field("teacher_cache", () => WriteTeacherCache(json, training.TeacherCache));
    }));

    public static TrainingRecipe ReadTraining(ObjectReader fields)
    {
        TrainingRecipe fallback = new();
        return new TrainingRecipe
        {
            Mode = fields.Enum("mode", fallback.Mode),
            Blockwise = fields.OptionalObject("blockwise", fallback.Blockwise, BlockwiseJson.Read),
            BatchTokens = fields.Int32("batch_tokens", fallback.BatchTokens),
            AccumulationSteps = fields.Int32("accumulation_steps", fallback.AccumulationSteps),
            GradientCheckpointing = fields.Boolean("gradient_checkpointing", fallback.GradientCheckpointing),
            ComputeType = fields.Enum("compute_type", fallback.ComputeType),
            WeightLearningRate = fields.OptionalSingle("weight_learning_rate", fallback.WeightLearningRate),
            Schedule = fields.Enum("schedule", fallback.Schedule),
            ScheduleWarmupSteps = fields.Int32("schedule_warmup_steps", fallback.ScheduleWarmupSteps),
            FinalLearningRateFraction = fields.Single("final_learning_rate_fraction", fallback.FinalLearningRateFraction),
            ScheduleDecayShare = fields.Single("schedule_decay_share", fallback.ScheduleDecayShare),
            EvaluateEverySteps = fields.OptionalInt32("evaluate_every_steps", fallback.EvaluateEverySteps),
            KeepBest = fields.Boolean("keep_best", fallback.KeepBest),
            EarlyStopEvaluations = fields.OptionalInt32("early_stop_evaluations", fallback.EarlyStopEvaluations),
            CheckpointSteps = fields.Int32("checkpoint_steps", fallback.CheckpointSteps),
            KeepCheckpoints = fields.Int32("keep_checkpoints", fallback.KeepCheckpoints),
            MaxSkippedSteps = fields.Int32("max_skipped_steps", fallback.MaxSkippedSteps),
            Seed = fields.Int64("seed", fallback.Seed),
            MaxSteps = fields.OptionalInt32("max_steps", fallback.MaxSteps),
            AdamBeta1 = fields.Single("adam_beta1", fallback.AdamBeta1),
            AdamBeta2 = fields.Single("adam_beta2", fallback.AdamBeta2),
            AdamEpsilon = fields.Single("adam_epsilon", fallback.AdamEpsilon),
            OptimizerStates = fields.Enum("optimizer_states", fallback.OptimizerStates),
            LatentWeights = fields.Enum("latent_weights", fallback.LatentWeights),
            ReasoningPreset = fields.Enum("reasoning_preset", fallback.ReasoningPreset),
            TeacherCache = fields.OptionalObject("teacher_cache", fallback.TeacherCache, cache => new TeacherCacheRecipe
            {
                TopK = cache.Int32("top_k", new TeacherCacheRecipe().TopK),
                Folder = cache.OptionalString("folder", null),
            }),
        };
    }

    private static void WriteTeacherCache(PrettyJsonWriter json, TeacherCacheRecipe? cache)
    {
        if (cache is null)
        {
            json.String(null);
            return;
        }

        json.Object(() =>
        {
            json.Field("top_k", cache.TopK);
            json.Field("folder", cache.Folder);
        });
    }

    private static void WriteCurriculum(PrettyJsonWriter json, CurriculumRecipe? curriculum)
    {
        if (curriculum is null)
        {
            json.String(null);
            return;
        }

        json.Object(() =>
        {
            json.Field("general", curriculum.General);
            json.Field("reasoning", curriculum.Reasoning);
            json.Field("tool_use", curriculum.ToolUse);
            json.Field("seed", curriculum.Seed);
            json.Field("held_out", curriculum.HeldOut);
        });
    }

    private static CurriculumRecipe ReadCurriculum(ObjectReader fields) => new()
    {
        General = fields.Int32("general", 0),
        Reasoning = fields.Int32("reasoning", 0),
        ToolUse = fields.Int32("tool_use", 0),
        Seed = fields.Int64("seed", 0),
        HeldOut = fields.Int32("held_out", 0),
    };
}
