namespace Pique.Pipeline;

/// <summary>Settings that fit into memory, what changes the training least first.</summary>
internal static class MemoryAdvice
{
    private const int LeastContextTokens = 32;
    private const int Most = 3;

    /// <summary>Finds settings.</summary>
    /// <param name="probe">Peak by rows, as measured at the present setting.</param>
    /// <param name="model">Shapes.</param>
    /// <param name="setting">The present setting.</param>
    /// <param name="roomBytes">Room to fit into.</param>
    /// <returns>What to set, what it then takes and what it costs; at most three, none where nothing fits.</returns>
    public static IEnumerable<string> For(MemoryProbe probe, MemoryModel model, MemorySetting setting, double roomBytes)
    {
        MemorySetting least = setting with { Checkpointing = true, Parts = setting.BatchRows };
        string[] cheap = [.. Fitting(CheapWays(model, setting))];
        IEnumerable<string> together = cheap.Length > 0 ? [] : Fitting([StateWay(model, least)]);
        return cheap.Concat(together).Concat(Fitting(DearWays(model, least))).Take(Most);

        IEnumerable<string> Fitting(IEnumerable<IEnumerable<Candidate>> ways) => ways
            .Select(way => way
                .Select(candidate => (Text: candidate.TextBeside(model, setting), candidate.Cost, Bytes: Estimate(probe, model, setting, candidate)))
                .FirstOrDefault(candidate => candidate.Bytes <= roomBytes))
            .Where(found => found.Text is not null)
            .Select(found => $"{found.Text} (about {ByteText.Of(found.Bytes)}; {found.Cost})");
    }

    /// <summary>Peak at another setting: the measured one, moved by what the shapes say differs, rows at the size they were measured to have.</summary>
    private static double Estimate(MemoryProbe probe, MemoryModel model, MemorySetting setting, Candidate other)
    {
        double row = model.RowBytes(setting.ContextTokens, setting.Checkpointing);
        double otherRow = other.Model.RowBytes(other.Setting.ContextTokens, other.Setting.Checkpointing);
        double correction = probe.RowBytes > 0 ? probe.RowBytes / row : 1;
        double held = other.Model.HeldBytes - model.HeldBytes;
        double copies = other.Model.CopyBytes(other.Setting.Checkpointing) - model.CopyBytes(setting.Checkpointing);
        return probe.FirstRowBytes + held + copies + (correction * ((other.Setting.RowsAtOnce * otherRow) - row));
    }

    /// <summary>Ways to save memory that cost little or nothing; of each the first candidate that fits is the one to advise.</summary>
    private static IEnumerable<IEnumerable<Candidate>> CheapWays(MemoryModel model, MemorySetting setting)
    {
        yield return InParts(setting).Select(parts => new Candidate(model, parts, "the same training, in smaller parts"));

        MemorySetting checkpointed = setting with { Checkpointing = true };
        if (!setting.Checkpointing)
        {
            yield return InParts(checkpointed).Prepend(checkpointed).Select(parts => new Candidate(model, parts, "the same training, slower"));
        }

        yield return StateWay(model, setting);
    }

    /// <summary>Smaller states of the optimizer.</summary>
    private static IEnumerable<Candidate> StateWay(MemoryModel model, MemorySetting setting) =>
        model.WithSmallerStates().Select(smaller => new Candidate(smaller.Model, setting, smaller.Cost));

    /// <summary>Ways that cost quality.</summary>
    private static IEnumerable<IEnumerable<Candidate>> DearWays(MemoryModel model, MemorySetting least)
    {
        if (model.Teacher is not null)
        {
            yield return [new Candidate(model with { Teacher = null }, least, "costs quality")];
        }

        yield return ShorterContexts(least).Select(shorter => new Candidate(model, shorter, "cuts longer texts"));
    }

    private static IEnumerable<MemorySetting> InParts(MemorySetting setting)
    {
        long before = setting.RowsAtOnce;
        for (long parts = setting.Parts + 1; parts <= setting.BatchRows; parts++)
        {
            MemorySetting divided = setting with { Parts = parts };
            if (divided.RowsAtOnce < before)
            {
                before = divided.RowsAtOnce;
                yield return divided;
            }
        }
    }

    /// <summary>Rows half as long are twice as many.</summary>
    private static IEnumerable<MemorySetting> ShorterContexts(MemorySetting setting)
    {
        while (setting.ContextTokens / 2 >= LeastContextTokens)
        {
            setting = setting with { ContextTokens = setting.ContextTokens / 2, BatchRows = 2 * setting.BatchRows, Parts = 2 * setting.BatchRows };
            yield return setting;
        }
    }

    private sealed record Candidate(MemoryModel Model, MemorySetting Setting, string Cost)
    {
        /// <summary>What of it departs from the present setting.</summary>
        public string TextBeside(MemoryModel model, MemorySetting present)
        {
            string?[] changes =
            [
                Model.Teacher is null && model.Teacher is not null ? "qat.use_distillation to false" : null,
                Setting.ContextTokens != present.ContextTokens ? $"data.context_tokens to {Setting.ContextTokens}" : null,
                Setting.Parts != present.Parts ? $"training.accumulation_steps to {Setting.Parts}" : null,
                Setting.Checkpointing != present.Checkpointing ? "training.gradient_checkpointing to true" : null,
                .. Model.StateChanges(model),
            ];
            return string.Join(" and ", changes.OfType<string>());
        }
    }
}
