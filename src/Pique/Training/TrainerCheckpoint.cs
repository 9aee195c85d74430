using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Moves a run's live state into a checkpoint and back. The student's weights and quantizer parameters, the optimizer's moments, a learning teacher's likewise, and the position.</summary>
internal sealed class TrainerCheckpoint
{
    internal const string StateName = "state.json";
    internal const string ModelName = "model.safetensors";

    private readonly string _folder;
    private readonly CheckpointStore _store;
    private readonly Learner _student;
    private readonly Learner? _teacher;

    /// <summary>Binds the run folder to the learners.</summary>
    /// <param name="runFolder">The run folder.</param>
    /// <param name="options">Checkpoints to keep.</param>
    /// <param name="student">The student.</param>
    /// <param name="teacher">The teacher where it learns, else null.</param>
    public TrainerCheckpoint(string runFolder, TrainerOptions options, Learner student, Learner? teacher)
    {
        _folder = Path.Combine(runFolder, Trainer.CheckpointsName);
        _store = new(_folder, options.Training.KeepCheckpoints, options.CreateCheckpointFile);
        _student = student;
        _teacher = teacher;
    }

    private IEnumerable<(string File, IReadOnlyList<(string Name, Tensor Value)> Tensors)> Contents =>
        _teacher is null ? Of("", _student) : Of("", _student).Concat(Of("teacher_", _teacher));

    /// <summary>Makes the folder of the checkpoints and, on resume, restores the newest sound one.</summary>
    /// <param name="resume">Whether to continue; else the folder must be new.</param>
    /// <param name="initial">What the run would start from; a checkpoint must be of the same run.</param>
    /// <param name="report">Told what is deleted, passed over, restored and lost.</param>
    /// <returns>Position and checkpoint; null for the beginning. Nothing is changed unless all of it fits.</returns>
    /// <exception cref="InputException">The folder cannot be used, all checkpoints are damaged, or the newest sound one is of another run.</exception>
    public (TrainingState State, string Folder)? Open(bool resume, TrainingState initial, Action<TrainingEvent> report)
    {
        Prepare(_folder);
        if (!resume)
        {
            RequireEmpty(_folder);
            return null;
        }

        foreach (string partial in _store.RemovePartial())
        {
            report(new TrainingEvent.PartialCheckpointRemoved(partial));
        }

        if (_store.FindNewest((damaged, reason) => report(new TrainingEvent.CheckpointRejected(damaged, reason))) is not (var folder, var isComplete))
        {
            return null;
        }

        TrainingState state = TrainingState.Load(Path.Combine(folder, StateName));
        if (state.PriorSteps < initial.PriorSteps)
        {
            return (initial, folder); // The end of the earlier phase, which the models were brought to before.
        }

        state.RequireSameRun(initial, folder);
        RestoreAll(folder, state);
        report(new TrainingEvent.Resumed(state.RunStep, folder));
        state = state.On(initial, folder, report);
        if (!isComplete && state.BestStep is { } lost)
        {
            report(new TrainingEvent.BestLost(state.PriorSteps + lost));
            state = state with { BestStep = null, BestLoss = null };
        }

        return (state, folder);
    }

    /// <summary>Saves a checkpoint.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <returns>Its folder.</returns>
    /// <exception cref="RunFailedException">The disk fails.</exception>
    public string Save(TrainingState state)
    {
        TrainingState complete = state with
        {
            UpdateCount = _student.Optimizer.UpdateCount,
            TeacherUpdateCount = _teacher?.Optimizer.UpdateCount ?? 0,
        };
        List<CheckpointFile> files = [.. Contents.Select(content => new CheckpointFile(content.File, stream => TensorFile.Save(stream, content.Tensors)))];
        files.Add(new(StateName, stream => stream.Write(complete.ToJson())));
        return _store.Save(state.RunStep, files, state.BestStep is { } best && best != state.Step ? [state.PriorSteps + best] : []);
    }

    /// <summary>Puts the models of a step back, not the optimizers: for the end of a run.</summary>
    /// <param name="step">Step of a checkpoint.</param>
    /// <exception cref="RunFailedException">The checkpoint is damaged.</exception>
    public void RestoreModels(int step)
    {
        string folder = _store.FolderOf(step);
        if (CheckpointStore.Fault(folder) is { } fault)
        {
            throw new RunFailedException($"{folder}: the checkpoint of the lowest held-out loss was damaged while the run went on ({fault}). Continue with --resume: it falls back to what is left.");
        }

        foreach ((string file, IReadOnlyList<(string, Tensor)> tensors) in Contents.Where(content => content.File.EndsWith(ModelName, StringComparison.Ordinal)))
        {
            TensorFile.Restore(Path.Combine(folder, file), tensors);
        }
    }

    /// <summary>Makes the folder of the checkpoints.</summary>
    internal static void Prepare(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            DirectorySync.Flush(Path.GetDirectoryName(folder)!);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: cannot be made ({failure.Message}); choose a run folder that can be written.", failure);
        }
    }

    /// <summary>Refuses a folder with checkpoints where a new run is to begin.</summary>
    internal static void RequireEmpty(string folder)
    {
        if (Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw new InputException($"{folder}: holds checkpoints of an earlier run; resume it, or choose another run folder.");
        }
    }

    private void RestoreAll(string folder, TrainingState state)
    {
        foreach ((string file, IReadOnlyList<(string, Tensor)> tensors) in Contents)
        {
            TensorFile.RequireMatch(Path.Combine(folder, file), tensors);
        }

        foreach ((string file, IReadOnlyList<(string, Tensor)> tensors) in Contents)
        {
            TensorFile.Restore(Path.Combine(folder, file), tensors);
        }

        _student.Optimizer.UpdateCount = state.UpdateCount;
        if (_teacher is not null)
        {
            _teacher.Optimizer.UpdateCount = state.TeacherUpdateCount;
        }
    }

    private static (string, IReadOnlyList<(string, Tensor)>)[] Of(string prefix, Learner learner) =>
    [
        (prefix + ModelName, learner.Parameters.Saved),
        ($"{prefix}optimizer.safetensors", [.. learner.Optimizer.Moments]),
    ];
}
