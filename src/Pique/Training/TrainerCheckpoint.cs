using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Moves a run's live state into a checkpoint and back. The student's weights and quantizer parameters, the optimizer's moments, a learning teacher's likewise, and the position.</summary>
internal sealed class TrainerCheckpoint
{
    private const string StateName = "state.json";

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

    /// <summary>Makes the folder of the checkpoints.</summary>
    /// <exception cref="InputException">It cannot be made.</exception>
    public void Prepare()
    {
        try
        {
            Directory.CreateDirectory(_folder);
            DirectorySync.Flush(Path.GetDirectoryName(_folder)!);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{_folder}: cannot be made ({failure.Message}); choose a run folder that can be written.", failure);
        }
    }

    /// <summary>Refuses a folder that holds checkpoints already.</summary>
    /// <exception cref="InputException">It does.</exception>
    public void RequireNone()
    {
        if (Directory.EnumerateFileSystemEntries(_folder).Any())
        {
            throw new InputException($"{_folder}: holds checkpoints of an earlier run; resume it, or choose another run folder.");
        }
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
        return _store.Save(state.Step, files);
    }

    /// <summary>Deletes what an interrupted writer left.</summary>
    /// <returns>The folders deleted.</returns>
    public IReadOnlyList<string> RemovePartial() => _store.RemovePartial();

    /// <summary>Puts the newest sound checkpoint back.</summary>
    /// <param name="initial">What the run would start from; the checkpoint must be of the same run.</param>
    /// <param name="rejected">Told folder and fault of each damaged checkpoint.</param>
    /// <returns>Position and folder, or null where there is no checkpoint. Nothing is changed unless all of it fits.</returns>
    /// <exception cref="InputException">All checkpoints are damaged, or the newest sound one is of another run.</exception>
    public (TrainingState State, string Folder)? Restore(TrainingState initial, Action<string, string> rejected)
    {
        if (_store.FindNewest(rejected) is not { Folder: var folder })
        {
            return null;
        }

        TrainingState state = TrainingState.Load(Path.Combine(folder, StateName));
        state.RequireSameRun(initial, folder);
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

        return (state, folder);
    }

    private static (string, IReadOnlyList<(string, Tensor)>)[] Of(string prefix, Learner learner) =>
    [
        ($"{prefix}model.safetensors", learner.Parameters.Saved),
        ($"{prefix}optimizer.safetensors", [.. learner.Optimizer.Moments]),
    ];
}
