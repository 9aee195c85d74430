using System.Globalization;
using Pique.Training;

namespace Pique.Benchmarks.TrainingSteps;

/// <summary>Peak memory of one step with a teacher, models and optimizer included, in a process of its own; the runtime's own memory is taken off.</summary>
internal static class StepMemory
{
    public const string ChildCommand = "training-memory";

    private const int StepsBefore = 2;

    /// <summary>Measures in a child process.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="engine">This library's steps, else the peer's.</param>
    /// <param name="threads">Threads; null for one a processor.</param>
    /// <returns>Bytes.</returns>
    public static double Measure(TrainingShape shape, bool engine, int? threads) =>
        double.Parse(OwnProcess.Run(threads, ChildCommand, "--shape", shape.Name, "--engine", engine.ToString()), CultureInfo.InvariantCulture);

    public static int RunChild(string shape, bool engine, int? threads)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads, KeepLargeBuffers = engine });
        ProcessMemory memory = new();
        ProcessMemory.ReleaseFree();
        long before = memory.ResidentBytes ?? throw new NotSupportedException("This system does not tell the memory of a process.");
        Console.WriteLine((Peak(TrainingShape.Named(shape), engine, memory) - before).ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    private static long Peak(TrainingShape shape, bool engine, ProcessMemory memory)
    {
        using ITrainingSteps steps = engine ? new EngineSteps(shape, StepKind.Taught, EngineSteps.DefaultType()) : new CompositeSteps(shape, StepKind.Taught);
        for (int i = 0; i < StepsBefore; i++)
            steps.Run();
        ProcessMemory.ReleaseFree();
        memory.ResetPeak();
        steps.Run();
        return memory.PeakBytes!.Value;
    }
}
