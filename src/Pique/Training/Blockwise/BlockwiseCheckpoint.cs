using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Checkpoints of block-wise training, in the same store and of the same files as the trainer's: the whole student, the moments of the block in training, the position.</summary>
internal sealed class BlockwiseCheckpoint
{
    private const string OptimizerName = "optimizer.safetensors";

    private readonly string _folder;
    private readonly CheckpointStore _store;
    private readonly TrainedParameters _student;

    /// <summary>Binds the run folder to the student.</summary>
    /// <param name="runFolder">The run folder.</param>
    /// <param name="options">Checkpoints to keep.</param>
    /// <param name="student">All that is trained of the student.</param>
    public BlockwiseCheckpoint(string runFolder, TrainerOptions options, TrainedParameters student)
    {
        _folder = Path.Combine(runFolder, Trainer.CheckpointsName);
        _store = new(_folder, options.Training.KeepCheckpoints, options.CreateCheckpointFile);
        _student = student;
    }

    /// <summary>Makes the folder of the checkpoints and, on resume, restores the student from the newest sound one. The optimizer is restored by <see cref="RestoreOptimizer"/>.</summary>
    /// <param name="resume">Whether to continue; else the folder must be new.</param>
    /// <param name="initial">What the run would start from; a checkpoint must be of the same run.</param>
    /// <param name="hasLaterPhase">Whether another phase looks through the folder once this one is done, and tells what is damaged in it.</param>
    /// <param name="report">Told what is deleted, passed over and restored.</param>
    /// <returns>Position and checkpoint; null for the beginning. One of the phase after this one is returned as it is, and nothing is restored: that phase restores everything.</returns>
    /// <exception cref="InputException">The folder cannot be used, all checkpoints are damaged, or the newest sound one is of another run.</exception>
    public (TrainingState State, string Folder)? Open(bool resume, TrainingState initial, bool hasLaterPhase, Action<TrainingEvent> report)
    {
        TrainerCheckpoint.Prepare(_folder);
        if (!resume)
        {
            TrainerCheckpoint.RequireEmpty(_folder);
            return null;
        }

        foreach (string partial in _store.RemovePartial())
            report(new TrainingEvent.PartialCheckpointRemoved(partial));
        List<TrainingEvent> rejected = [];
        if (_store.FindNewest((damaged, reason) => rejected.Add(new TrainingEvent.CheckpointRejected(damaged, reason))) is not (var folder, _))
            return null;
        TrainingState state = TrainingState.Load(Path.Combine(folder, TrainerCheckpoint.StateName));
        if (state.PriorSteps > 0)
            return (state, folder);
        if (state.Step < initial.TotalSteps || !hasLaterPhase)
            rejected.ForEach(report);
        state.RequireSameRun(initial, folder);
        string model = Path.Combine(folder, TrainerCheckpoint.ModelName);
        TensorFile.RequireMatch(model, _student.Saved);
        TensorFile.Restore(model, _student.Saved);
        report(new TrainingEvent.Resumed(state.Step, folder));
        return (state.On(initial, folder, report), folder);
    }

    /// <summary>Restores the optimizer of the block in training.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="state">Its position.</param>
    /// <param name="learner">The block's learner.</param>
    public static void RestoreOptimizer(string folder, TrainingState state, Learner learner)
    {
        (string, Tensor)[] moments = [.. learner.Optimizer.Moments];
        string path = Path.Combine(folder, OptimizerName);
        TensorFile.RequireMatch(path, moments);
        TensorFile.Restore(path, moments);
        learner.Optimizer.UpdateCount = state.UpdateCount;
    }

    /// <summary>Saves a checkpoint.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="learner">Learner of the block in training; null after the last block.</param>
    /// <returns>Its folder.</returns>
    /// <exception cref="RunFailedException">The disk fails.</exception>
    public string Save(TrainingState state, Learner? learner)
    {
        TrainingState complete = state with { UpdateCount = learner?.Optimizer.UpdateCount ?? 0 };
        List<CheckpointFile> files =
        [
            new(TrainerCheckpoint.ModelName, stream => TensorFile.Save(stream, _student.Saved)),
            new(TrainerCheckpoint.StateName, stream => stream.Write(complete.ToJson())),
        ];
        if (learner is not null)
            files.Add(new(OptimizerName, stream => TensorFile.Save(stream, learner.Optimizer.Moments)));
        return _store.Save(state.Step, files);
    }
}
