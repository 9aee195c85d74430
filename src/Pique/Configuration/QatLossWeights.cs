using System.Globalization;
using System.Text;

namespace Pique.Configuration;

/// <summary>Weights of the composite loss.</summary>
public sealed record QatLossWeights
{
    /// <summary>The weights of a configuration that states none.</summary>
    public static QatLossWeights Default { get; } = new();

    /// <summary>Follow the teacher before the data.</summary>
    public static QatLossWeights DistillationHeavy { get; } = new() { LambdaTask = 0.5f, LambdaKd = 1.0f, LambdaReasoning = 0.3f, KdTemperature = 4.0f };

    /// <summary>Keep chains of thought before the teacher's whole distribution.</summary>
    public static QatLossWeights ReasoningFocused { get; } = new() { LambdaTask = 1.0f, LambdaKd = 0.3f, LambdaReasoning = 0.5f, KdTemperature = 2.0f };

    /// <summary>Weight of the next-token cross-entropy.</summary>
    public float LambdaTask { get; init; } = 1.0f;

    /// <summary>Weight of the distillation loss.</summary>
    public float LambdaKd { get; init; } = 0.5f;

    /// <summary>Weight of the reasoning-fidelity loss.</summary>
    public float LambdaReasoning { get; init; } = 0.2f;

    /// <summary>Softmax temperature T of the distillation loss.</summary>
    public float KdTemperature { get; init; } = 3.0f;

    /// <summary>The weights over their sum, the temperature as it is; a sum that is not greater than zero gives <see cref="Default"/>.</summary>
    public QatLossWeights Normalized
    {
        get
        {
            float sum = LambdaTask + LambdaKd + LambdaReasoning;
            return sum > 0
                ? this with { LambdaTask = LambdaTask / sum, LambdaKd = LambdaKd / sum, LambdaReasoning = LambdaReasoning / sum }
                : Default;
        }
    }

    // A record's text has all its properties, and this one's would have the normalized weights' text in it, and so on without end.
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append(
            CultureInfo.InvariantCulture,
            $"{nameof(LambdaTask)} = {LambdaTask}, {nameof(LambdaKd)} = {LambdaKd}, {nameof(LambdaReasoning)} = {LambdaReasoning}, {nameof(KdTemperature)} = {KdTemperature}");
        return true;
    }
}
