namespace Pique.Configuration;

/// <summary>The JSON of a <see cref="QatConfig"/>: byte for byte what serde_json's pretty printer writes, and everything it wrote is read.</summary>
public static class QatConfigJson
{
    /// <summary>Writes a configuration: two-space indent, every field in the format's order, no line end after the last brace.</summary>
    /// <param name="config">The configuration, valid or not. A number that is not finite is written as null, as serde_json does; validation finds it.</param>
    /// <returns>The text.</returns>
    public static string Write(QatConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        PrettyJsonWriter json = new();
        WriteObject(json, config);
        return json.ToString();
    }

    /// <summary>Reads and validates a configuration. Missing fields take their defaults.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">File or argument it came from, for the message.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ConfigurationException">The text is no configuration or a value is not valid; lists every fault.</exception>
    public static QatConfig Read(string json, string source) => Examine(json).ValueOrThrow(source);

    /// <summary>Reads a configuration and lists its faults without throwing.</summary>
    /// <param name="json">The text.</param>
    /// <returns>The configuration, where the text is one, and every fault.</returns>
    public static ConfigurationReading<QatConfig> Examine(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return ConfigurationDocument.Read(json, ReadObject, (config, faults) => QatConfigRules.Check(config, "", faults));
    }

    internal static void WriteObject(PrettyJsonWriter json, QatConfig config) => json.Object(() =>
    {
        json.Field("bits", config.Bits);
        VariantJson.Write(json, "ste_variant", config.SteVariant);
        VariantJson.Write(json, "granularity", config.Granularity);
        json.Field("loss_weights", () => json.Object(() =>
        {
            json.Field("lambda_task", config.LossWeights.LambdaTask);
            json.Field("lambda_kd", config.LossWeights.LambdaKd);
            json.Field("lambda_reasoning", config.LossWeights.LambdaReasoning);
            json.Field("kd_temperature", config.LossWeights.KdTemperature);
        }));
        json.Field("epochs", config.Epochs);
        json.Field("learning_rate", config.LearningRate);
        json.Field("pi_k", config.PiK);
        json.Field("use_incoherence", config.UseIncoherence);
        json.Field("symmetric", config.Symmetric);
        json.Field("warmup_epochs", config.WarmupEpochs);
        json.Field("grad_clip", config.GradClip);
        json.Field("weight_decay", config.WeightDecay);
        json.Field("use_distillation", config.UseDistillation);
        json.Field("freeze_teacher", config.FreezeTeacher);
    });

    // Fields are asked for in the format's order: the message that names the known fields lists them so.
    internal static QatConfig ReadObject(ObjectReader fields)
    {
        QatConfig fallback = QatConfig.Default;
        return new QatConfig
        {
            Bits = fields.Int32("bits", fallback.Bits),
            SteVariant = fields.Value("ste_variant", fallback.SteVariant, VariantJson.ReadSteVariant),
            Granularity = fields.Value("granularity", fallback.Granularity, VariantJson.ReadGranularity),
            LossWeights = fields.Object("loss_weights", fallback.LossWeights, ReadLossWeights),
            Epochs = fields.Int32("epochs", fallback.Epochs),
            LearningRate = fields.Single("learning_rate", fallback.LearningRate),
            PiK = fields.OptionalInt32("pi_k", fallback.PiK),
            UseIncoherence = fields.Boolean("use_incoherence", fallback.UseIncoherence),
            Symmetric = fields.Boolean("symmetric", fallback.Symmetric),
            WarmupEpochs = fields.Int32("warmup_epochs", fallback.WarmupEpochs),
            GradClip = fields.OptionalSingle("grad_clip", fallback.GradClip),
            WeightDecay = fields.Single("weight_decay", fallback.WeightDecay),
            UseDistillation = fields.Boolean("use_distillation", fallback.UseDistillation),
            FreezeTeacher = fields.Boolean("freeze_teacher", fallback.FreezeTeacher),
        };
    }

    private static QatLossWeights ReadLossWeights(ObjectReader fields)
    {
        QatLossWeights fallback = QatLossWeights.Default;
        return new QatLossWeights
        {
            LambdaTask = fields.Single("lambda_task", fallback.LambdaTask),
            LambdaKd = fields.Single("lambda_kd", fallback.LambdaKd),
            LambdaReasoning = fields.Single("lambda_reasoning", fallback.LambdaReasoning),
            KdTemperature = fields.Single("kd_temperature", fallback.KdTemperature),
        };
    }
}
