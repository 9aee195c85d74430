using Pique.Training;

namespace Pique.Pipeline;

/// <summary>Refuses runs that memory has no room for: by a lower bound before anything is loaded, and by a probe before the first step.</summary>
internal static class MemoryCheck
{
    /// <summary>Share of what is available that advice fills at most: an estimate deserves some slack.</summary>
    private const double AdvisedShare = 0.9;

    /// <summary>Share of the estimate for one row that is beyond doubt, enough to refuse a probe that would be killed.</summary>
    private const double CertainShare = 0.5;

    private const string CostOfNoTeacher = "costs quality";
    private const string CostOfNoRotation = "leaves outliers as they are";

    /// <summary>Refuses a model whose weights, gradients and moments alone have no room, or whose weights have none while they are turned.</summary>
    /// <param name="model">Shapes.</param>
    /// <param name="availableBytes">What the process may have; null where unknown, and then nothing is refused.</param>
    /// <exception cref="InputException">There is no room.</exception>
    public static void RequireHeld(MemoryModel model, long? availableBytes)
    {
        if (availableBytes is not { } available || model.LeastBytes <= available)
        {
            return;
        }

        string advice = Ways(model).Where(way => way.Model.LeastBytes <= AdvisedShare * available).Select(way => Text(way.Model, way.Cost, model)).FirstOrDefault()
            ?? "Train a smaller model, or on a machine with more memory.";
        string what = (model.LoadBytes > model.HeldBytes, model.Teacher is null) switch
        {
            (true, true) => "weights in float32 and the frozen ones that are made by turning them",
            (true, false) => "weights in float32, with the teacher's, and the frozen ones that are made by turning them",
            (false, true) => "weights, gradients and optimizer",
            (false, false) => "weights, gradients and optimizer, with the teacher's weights,",
        };
        throw new InputException($"memory: {what} take at least {ByteText.Of(model.LeastBytes)}, and {ByteText.Of(available)} is available. {advice}");
    }

    /// <summary>What takes less memory, what changes the training least first.</summary>
    private static IEnumerable<(MemoryModel Model, string Cost)> Ways(MemoryModel model)
    {
        foreach ((MemoryModel, string) smaller in model.WithSmallerStates())
        {
            yield return smaller;
        }

        if (model.LoadBytes > 0)
        {
            yield return (model with { Rotates = false }, CostOfNoRotation);
        }

        if (model.Teacher is null)
        {
            yield break;
        }

        MemoryModel alone = model with { Teacher = null };
        yield return (alone, CostOfNoTeacher);
        foreach ((MemoryModel smaller, _) in Ways(alone))
        {
            yield return (smaller, CostOfNoTeacher);
        }
    }

    private static string Text(MemoryModel way, string cost, MemoryModel model)
    {
        IEnumerable<string> changes = way.StateChanges(model);
        if (way.Rotates != model.Rotates)
        {
            changes = changes.Prepend("qat.use_incoherence to false");
        }

        if (way.Teacher is null && model.Teacher is not null)
        {
            changes = changes.Prepend("qat.use_distillation to false");
        }

        return $"Set {string.Join(" and ", changes)} ({ByteText.Of(way.LeastBytes)} at least; {cost}), or train on a machine with more memory.";
    }

    /// <summary>Refuses a run whose passes have no room. No weight changes.</summary>
    /// <param name="trainer">The trainer, which has not run yet.</param>
    /// <param name="model">Shapes.</param>
    /// <param name="setting">The recipe's choices.</param>
    /// <param name="availableBytes">What the process may have; null where unknown, and then nothing is refused.</param>
    /// <returns>Estimated peak of the process; null where nothing could be measured.</returns>
    /// <exception cref="InputException">There is no room; the message advises what there is room for.</exception>
    public static double? RequireRoom(Trainer trainer, MemoryModel model, MemorySetting setting, long? availableBytes)
    {
        ProcessMemory.ReleaseFree();
        double rowBytes = model.RowBytes(setting.ContextTokens, setting.Checkpointing);
        double passBytes = model.GradientBytes + model.CopyBytes(setting.Checkpointing);
        if (availableBytes is { } room && new ProcessMemory().ResidentBytes is { } held && held + passBytes + (CertainShare * rowBytes) > room)
        {
            throw Refusal(new MemoryProbe(held + passBytes + rowBytes, rowBytes), model, setting, room);
        }

        if (MemoryProbe.Run(trainer, setting.RowsAtOnce) is not { } probe)
        {
            return null;
        }

        double peak = probe.PeakBytes(setting.RowsAtOnce);
        return availableBytes is { } available && peak > available ? throw Refusal(probe, model, setting, available) : peak;
    }

    /// <summary>Says what is missing and which settings there is room for.</summary>
    /// <param name="probe">Peak by rows.</param>
    /// <param name="model">Shapes, for settings that were not measured.</param>
    /// <param name="setting">The recipe's choices.</param>
    /// <param name="availableBytes">What the process may have.</param>
    internal static InputException Refusal(MemoryProbe probe, MemoryModel model, MemorySetting setting, long availableBytes)
    {
        string rows = setting.RowsAtOnce == 1 ? "1 row" : $"{setting.RowsAtOnce} rows";
        string[] advice = [.. MemoryAdvice.For(probe, model, setting, AdvisedShare * availableBytes)];
        return new(
            $"memory: training with {rows} of {setting.ContextTokens} tokens at once takes about {ByteText.Of(probe.PeakBytes(setting.RowsAtOnce))}, and {ByteText.Of(availableBytes)} is available. "
            + (advice.Length > 0 ? $"Set {string.Join("; or ", advice)}." : "No setting of the recipe makes it fit: train a smaller model, or on a machine with more memory."));
    }
}
