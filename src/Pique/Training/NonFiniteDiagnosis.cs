using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Says what was not finite in a step: losses, gradients, or the weights themselves.</summary>
internal static class NonFiniteDiagnosis
{
    /// <summary>Looks at a step's losses and at the gradients it left.</summary>
    /// <param name="outcome">The step.</param>
    /// <param name="learner">The student.</param>
    /// <param name="teacher">A teacher that learns, with its gradient norm; null for none.</param>
    /// <returns>Whole sentences.</returns>
    public static string Of(StepOutcome outcome, Learner learner, (Learner Learner, double GradNorm)? teacher)
    {
        string losses = Text($"Loss {outcome.Loss:G6} (task {outcome.TaskLoss:G6}, distillation {outcome.KdLoss:G6}, reasoning {outcome.ReasoningLoss:G6}), gradient norm {outcome.GradNorm:G6}. ");
        if (teacher is not { } learning || double.IsFinite(learning.GradNorm))
        {
            return losses + GradientText(learner);
        }

        losses += Text($"Gradient norm of the teacher {learning.GradNorm:G6}. ");
        return losses + (double.IsFinite(outcome.GradNorm) ? "Teacher: " + GradientText(learning.Learner) : GradientText(learner));
    }

    /// <summary>The first trained parameter that holds a value that is not finite.</summary>
    /// <param name="learner">The model.</param>
    /// <returns>Its name, or null.</returns>
    public static string? FirstWeight(Learner learner) =>
        learner.Parameters.Saved.Where(parameter => !IsFinite(parameter.Value)).Select(parameter => parameter.Name).FirstOrDefault();

    /// <summary>Gradients flow from the output to the input, so where the trouble began is the broken one nearest the output.</summary>
    private static string GradientText(Learner learner)
    {
        List<(string Name, Tensor Value)> all = [.. learner.Parameters.Quantization.Concat(learner.Parameters.Weights).Where(parameter => parameter.Value.grad is not null)];
        List<(string Name, Tensor Value)> broken = [.. all.Where(parameter => !IsFinite(parameter.Value.grad!))];
        if (broken.Count == 0)
        {
            return Text($"Every one of {all.Count} gradients is finite: the sum of their squares overflows.");
        }

        string last = broken[^1].Name;
        string group = learner.Groups.First(candidate => candidate.Parameters.Any(parameter => parameter.Name == last)).Name;
        return Text($"Not finite: {broken.Count} of {all.Count} gradients, that nearest the output of {last} ({group}).");
    }

    private static bool IsFinite(Tensor tensor)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return tensor.isfinite().all().item<bool>();
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
