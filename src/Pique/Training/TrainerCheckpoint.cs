using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Moves a run's live state into a checkpoint and back. The student's weights and quantizer parameters, the optimizer's moments, a learning teacher's likewise, and the position.</summary>
internal sealed class TrainerCheckpoint
{
    private const string StateName = "state.json";

    private readonly CheckpointStore _store;
    private readonly Learner _student;
    private readonly Learner? _teacher;

    /// <summary>Binds the store to the learners.</summary>
    /// <param name="store">Where checkpoints lie.</param>
    /// <param name="student">The student.</param>
    /// <param name="teacher">The teacher where it learns, else null.</param>
    public TrainerCheckpoint(CheckpointStore store, Learner student, Learner? teacher)
    {
        _store = store;
        _student = student;
        _teacher = teacher;
    }

    private IEnumerable<(string File, IReadOnlyList<(string Name, Tensor Value)> Tensors)> Contents =>
        _teacher is null ? Of("", _student) : Of("", _student).Concat(Of("teacher_", _teacher));

    /// <summary>Saves a checkpoint.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <returns>Its folder.</returns>
    public string Save(TrainingState state)
    {
        TrainingState complete = state with
        {
            UpdateCount = _student.Optimizer.UpdateCount,
            TeacherUpdateCount = _teacher?.Optimizer.UpdateCount ?? 0,
        };
        List<(string, Action<string>)> files = [];
        foreach ((string file, IReadOnlyList<(string, Tensor)> tensors) in Contents)
        {
            files.Add((file, path => TensorFile.Save(path, tensors)));
        }

        files.Add((StateName, path => Formats.AtomicFile.Write(path, stream => stream.Write(complete.ToJson()))));
        return _store.Save(state.Step, files);
    }

    /// <summary>Puts the newest sound checkpoint back.</summary>
    /// <param name="initial">What the run would start from; the checkpoint must be of the same run.</param>
    /// <param name="rejected">Told folder and fault of each damaged checkpoint.</param>
    /// <returns>Position and folder, or null where there is no checkpoint. Nothing is changed unless all of it fits.</returns>
    /// <exception cref="InputException">All checkpoints are damaged, or the newest sound one is of another run.</exception>
    public (TrainingState State, string Folder)? Restore(TrainingState initial, Action<string, string> rejected)
    {
        if (_store.FindNewest(rejected) is not { } folder)
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
