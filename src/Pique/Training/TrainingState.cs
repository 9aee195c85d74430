using System.Text.Json;
using System.Text.Json.Serialization;
using Pique.Configuration;

namespace Pique.Training;

/// <summary>Where a run stands: state.json of a checkpoint. Training itself draws no random numbers, so the seed of the data's order is all there is to keep of them.</summary>
internal sealed record TrainingState
{
    /// <summary>The version this code writes and reads.</summary>
    public const int CurrentFormatVersion = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Version of the layout.</summary>
    public int FormatVersion { get; init; } = CurrentFormatVersion;

    /// <summary>Steps of the run before this phase of it; 0 for a run of one phase. All other counts begin anew with the phase.</summary>
    public int PriorSteps { get; init; }

    /// <summary>Steps done.</summary>
    public int Step { get; init; }

    /// <summary>Steps of the run done, in metrics, events and names of checkpoints.</summary>
    [JsonIgnore]
    public int RunStep => PriorSteps + Step;

    /// <summary>Steps of the run up to the end of this phase.</summary>
    [JsonIgnore]
    public int RunSteps => PriorSteps + TotalSteps;

    /// <summary>Epoch of the next step, from 0.</summary>
    public int Epoch { get; init; }

    /// <summary>Batch of the next step in its epoch, from 0.</summary>
    public int BatchIndex { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public int TotalSteps { get; init; }

    /// <summary>Batches in an epoch.</summary>
    public int StepsPerEpoch { get; init; }

    /// <summary>Updates the optimizer has made.</summary>
    public int UpdateCount { get; init; }

    /// <summary>Updates the teacher's optimizer has made.</summary>
    public int TeacherUpdateCount { get; init; }

    /// <summary>Steps passed over.</summary>
    public int SkippedSteps { get; init; }

    /// <summary>Steps passed over in a row just now.</summary>
    public int ConsecutiveSkips { get; init; }

    /// <summary>Step after which the held-out loss was measured last; 0 for never.</summary>
    public int LastEvaluatedStep { get; init; }

    /// <summary>Step with the lowest held-out loss so far; null before the first measurement.</summary>
    public int? BestStep { get; init; }

    /// <summary>That loss.</summary>
    public double? BestLoss { get; init; }

    /// <summary>Measurements since then.</summary>
    public int EvaluationsSinceBest { get; init; }

    /// <summary>Type of the matrix products, chosen as the run began.</summary>
    public ComputeType ComputeType { get; init; }

    /// <summary>Threads it was computed with; null in checkpoints that do not say.</summary>
    public int? Threads { get; init; }

    /// <summary>Whether products took MKL's fast path; null where that is not known.</summary>
    public bool? FastMath { get; init; }

    /// <summary>Seed of the run.</summary>
    public long Seed { get; init; }

    /// <summary>Digest of the configuration.</summary>
    public string ConfigurationDigest { get; init; } = "";

    /// <summary>Digest of the teacher before the first step, or null.</summary>
    public string? TeacherDigest { get; init; }

    /// <summary>The position after one more step.</summary>
    /// <param name="finite">Whether the step was made; false where it was passed over.</param>
    public TrainingState After(bool finite) => this with
    {
        Step = Step + 1,
        Epoch = (Step + 1) / StepsPerEpoch,
        BatchIndex = (Step + 1) % StepsPerEpoch,
        SkippedSteps = SkippedSteps + (finite ? 0 : 1),
        ConsecutiveSkips = finite ? 0 : ConsecutiveSkips + 1,
    };

    /// <summary>What is known once the held-out loss of this step is. Only a lower loss is better; one that is no number never is.</summary>
    /// <param name="heldOutLoss">The loss.</param>
    public TrainingState Evaluated(double heldOutLoss) => heldOutLoss < (BestLoss ?? double.PositiveInfinity)
        ? this with { LastEvaluatedStep = Step, BestStep = Step, BestLoss = heldOutLoss, EvaluationsSinceBest = 0 }
        : this with { LastEvaluatedStep = Step, EvaluationsSinceBest = EvaluationsSinceBest + 1 };

    /// <summary>Whether the held-out loss of this step is still to be measured.</summary>
    /// <param name="training">The recipe.</param>
    public bool IsEvaluationDue(TrainingRecipe training) => training.EvaluateEverySteps is { } every
        && Step > LastEvaluatedStep
        && (Step % every == 0 || Step == TotalSteps);

    /// <summary>Whether the held-out loss has not fallen for as long as the recipe has patience.</summary>
    /// <param name="training">The recipe.</param>
    public bool StopsEarly(TrainingRecipe training) => training.EarlyStopEvaluations is { } patience && EvaluationsSinceBest >= patience;

    /// <summary>Writes state.json.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Reads state.json.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">It is not of this format.</exception>
    public static TrainingState Load(string path)
    {
        try
        {
            TrainingState? state = JsonSerializer.Deserialize<TrainingState>(File.ReadAllBytes(path), Json);
            return state is { FormatVersion: CurrentFormatVersion }
                ? state
                : throw new InputException($"{path}: format version {state?.FormatVersion}, expected {CurrentFormatVersion}; resume with the version of Pique that wrote it, or start a new run.");
        }
        catch (JsonException failure)
        {
            throw new InputException($"{path}: not a training state ({failure.Message}); start a new run.", failure);
        }
    }

    /// <summary>The same position of a run that goes on with other threads or another path of MKL.</summary>
    /// <param name="current">What the run about to start would be.</param>
    /// <param name="folder">The checkpoint, for the warning.</param>
    /// <param name="report">Told where sums are rounded otherwise from here on.</param>
    public TrainingState On(TrainingState current, string folder, Action<TrainingEvent> report)
    {
        List<string> changes = [];
        if (Threads is { } threads && current.Threads is { } now && threads != now)
            changes.Add($"{threads} threads, this run has {now} (--threads)");
        if (FastMath is { } fast && current.FastMath is { } path && fast != path)
            changes.Add($"{(fast ? "" : "no ")}fast path of MKL, this run has {(path ? "one" : "none")} (--no-fast-math)");
        if (changes.Count > 0)
            report(new TrainingEvent.Warned($"{folder}: the checkpoint was computed with {string.Join(" and with ", changes)}. Sums are rounded otherwise, so the run may end in other bytes than an uninterrupted one."));
        return this with { Threads = current.Threads, FastMath = current.FastMath };
    }

    /// <summary>Refuses to continue a run that is not this one.</summary>
    /// <param name="current">What the run about to start would be.</param>
    /// <param name="folder">The checkpoint, for the message.</param>
    /// <exception cref="InputException">Something differs; all differences are named.</exception>
    public void RequireSameRun(TrainingState current, string folder)
    {
        List<string> faults = [];
        Compare("steps before this phase", PriorSteps, current.PriorSteps);
        Compare("total steps", TotalSteps, current.TotalSteps);
        Compare("steps per epoch", StepsPerEpoch, current.StepsPerEpoch);
        Compare("seed", Seed, current.Seed);
        Compare("configuration digest", ConfigurationDigest, current.ConfigurationDigest);
        Compare("teacher digest", TeacherDigest, current.TeacherDigest);
        if (faults.Count > 0)
        {
            throw new InputException($"{folder}: the checkpoint is of another run: {string.Join("; ", faults)}. Resume with the recipe, data and teacher it was made with, or choose another run folder.");
        }

        void Compare<T>(string name, T found, T expected)
        {
            if (!EqualityComparer<T>.Default.Equals(found, expected))
            {
                faults.Add($"{name} {found?.ToString() ?? "none"}, this run has {expected?.ToString() ?? "none"}");
            }
        }
    }
}
