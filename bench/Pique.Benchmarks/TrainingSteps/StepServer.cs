using System.Diagnostics;
using System.Globalization;

namespace Pique.Benchmarks.TrainingSteps;

/// <summary>Makes steps in a process of their own whenever the benchmark asks for one, so that they take turns with the steps in the benchmark's process. The peer's allocator is told nothing. By hand, with the engine's steps, it is what a profiler is run on.</summary>
internal sealed class StepServer : IDisposable
{
    public const string ChildCommand = "training-steps";

    private readonly Process _process;

    /// <summary>Starts the process.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="kind">What a step does.</param>
    /// <param name="fastMath">Whether float32 products take MKL's fast path on an AMD processor.</param>
    /// <param name="threads">Threads; null for one a processor.</param>
    public StepServer(TrainingShape shape, StepKind kind, bool fastMath, int? threads) =>
         _process = OwnProcess.Start(threads, takesInput: true, ChildCommand, "--engine", bool.FalseString, "--shape", shape.Name, "--kind", kind.ToString(), "--fast-math", fastMath.ToString());

    /// <summary>Makes one step.</summary>
    /// <returns>Its seconds.</returns>
    public double Step()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
        return double.Parse(_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The process of the peer ended."), CultureInfo.InvariantCulture);
    }

    /// <summary>What the process does: a step for every line it is given.</summary>
    public static int Serve(string shape, StepKind kind, bool engine, bool fastMath, int? threads)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads, KeepLargeBuffers = engine, FastMathOnAmd = fastMath });
        using ITrainingSteps steps = engine ? new EngineSteps(TrainingShape.Named(shape), kind, EngineSteps.DefaultType()) : new CompositeSteps(TrainingShape.Named(shape), kind);
        while (Console.ReadLine() is not null)
            Console.WriteLine(Timing.SecondsOf(steps.Run).ToString("R", CultureInfo.InvariantCulture));
        return 0;
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
