using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Benchmarks.TrainingSteps;

/// <summary>The matrix products of a step by themselves, and how fast the library multiplies at best: what no engine can do without.</summary>
internal static class MatrixProducts
{
    private const int PeakOrder = 1024;

    /// <summary>Floating-point operations a second of a large square product.</summary>
    /// <param name="type">Float32 or BFloat16.</param>
    public static double PeakOperationsPerSecond(ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor left = ones([PeakOrder, PeakOrder], dtype: type), right = ones([PeakOrder, PeakOrder], dtype: type);
        return 2.0 * PeakOrder * PeakOrder * PeakOrder / Timing.BestOf(3, () => left.mm(right).Dispose());
    }

    /// <summary>Model operations of a step: 6 a parameter and token for the student, 2 for the teacher.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="taught">Whether there is a teacher.</param>
    public static double ModelOperations(TrainingShape shape, bool taught) =>
        (taught ? 8.0 : 6.0) * shape.MultipliedParameters * TrainingShape.Batch * TrainingShape.Tokens;

    /// <summary>Multiplies what a step with a teacher multiplies, results over the same few buffers.</summary>
    public sealed class Step : IDisposable
    {
        private readonly DisposeScope _scope = NewDisposeScope();
        private readonly ScalarType _type;
        private readonly List<(Tensor Input, Tensor Weight, Tensor Output, Tensor InputGradient, Tensor WeightGradient, int Count)> _layers = [];

        /// <summary>Makes the buffers.</summary>
        /// <param name="shape">The shape.</param>
        /// <param name="type">Float32 or BFloat16; the latter where libtorch multiplies it fast.</param>
        public Step(TrainingShape shape, ScalarType type)
        {
            _type = type;
            const int Rows = TrainingShape.Batch * TrainingShape.Tokens, Width = TrainingShape.Hidden, Inner = TrainingShape.FeedForward, Layers = TrainingShape.Layers;
            Add(Rows, Width, Width, 4 * Layers);
            Add(Rows, Width, Inner, 2 * Layers);
            Add(Rows, Inner, Width, Layers);
            Add(Objectives.LogitChunk.RowsFor(shape.Vocabulary), Width, shape.Vocabulary, Rows / Objectives.LogitChunk.RowsFor(shape.Vocabulary));
        }

        public void Run()
        {
            foreach ((Tensor input, Tensor weight, Tensor output, Tensor inputGradient, Tensor weightGradient, int count) in _layers)
            {
                for (int i = 0; i < count; i++)
                {
                    using DisposeScope scope = NewDisposeScope();
                    output.addmm_(input, weight.t(), beta: 0); // the teacher's
                    output.addmm_(input, weight.t(), beta: 0);
                    inputGradient.addmm_(output, weight, beta: 0);
                    weightGradient.addmm_(output.t(), input, beta: 0);
                }
            }
        }

        public void Dispose() => _scope.Dispose();

        private void Add(long rows, long width, long outputs, int count) =>
            _layers.Add((Buffer(rows, width), Buffer(outputs, width), Buffer(rows, outputs), Buffer(rows, width), Buffer(outputs, width), count));

        private Tensor Buffer(long rows, long columns) => zeros([rows, columns], dtype: _type);
    }
}
