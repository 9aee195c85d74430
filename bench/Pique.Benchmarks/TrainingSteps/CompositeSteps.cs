using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Benchmarks.TrainingSteps;

/// <summary>Steps of the peer, with the library's AdamW. Nothing is clipped, which spares the peer a pass over the gradients.</summary>
internal sealed class CompositeSteps : ITrainingSteps
{
    private readonly CompositeLlama _student;
    private readonly CompositeLlama? _teacher;
    private readonly optim.Optimizer _optimizer;

    public CompositeSteps(TrainingShape shape, StepKind kind)
    {
        _student = new(shape, quantized: kind != StepKind.Plain);
        _teacher = kind == StepKind.Taught ? new(shape, quantized: false) : null;
        _optimizer = optim.AdamW(_student.parameters(), TrainingShape.LearningRate);
    }

    public void Run()
    {
        using DisposeScope scope = NewDisposeScope();
        _optimizer.zero_grad();
        _student.Loss(_teacher).backward();
        _optimizer.step();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _teacher?.Dispose();
        _student.Dispose();
    }
}
