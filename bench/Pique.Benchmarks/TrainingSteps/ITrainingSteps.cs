namespace Pique.Benchmarks.TrainingSteps;

/// <summary>Something that trains.</summary>
internal interface ITrainingSteps : IDisposable
{
    /// <summary>Makes one step.</summary>
    void Run();
}
