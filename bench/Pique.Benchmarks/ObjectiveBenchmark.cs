using Pique.Data;
using Pique.Models;
using Pique.Numerics;
using Pique.Objectives;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Benchmarks;

/// <summary>The fused objective beside the same losses by plain operations, and beside the matrix products that any way has to take.</summary>
internal static class ObjectiveBenchmark
{
    private const int Positions = 2048;
    private const int Hidden = 288;

    // A run takes up to a second, much longer than what disturbs it.
    private const int Runs = 5;

    public static int Run(bool json, int? threads)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        List<BenchmarkRow> rows = [];
        foreach (int vocabulary in (int[])[512, 32000])
        {
            using Case of = new(vocabulary);
            double products = 1000 * Timing.BestOf(Runs, of.Products);
            foreach ((string name, LogitLossWeights weights) in ((string, LogitLossWeights)[])[
                ("cross-entropy", new(1, 0, 0, 1)), ("cross-entropy and KL", new(1, 0.5f, 0, 1)), ("cross-entropy and KL at T = 3", new(1, 0.5f, 0, 3))])
            {
                string title = $"{name}, {Positions} tokens × {vocabulary}, width {Hidden}";
                double fused = 1000 * Timing.BestOf(Runs, () => of.Fused(weights)), plain = 1000 * Timing.BestOf(Runs, () => of.Plain(weights));
                rows.Add(new(title, fused, BenchmarkRow.Milliseconds, "plain operations, log_softmax and autograd", plain, 0));
                if (weights.Distillation != 0)
                    rows.Add(new(title, fused, BenchmarkRow.Milliseconds, "its four matrix products alone", products, 0));
            }
        }

        Report.Write(json, "objective", rows, null, TorchRuntime.Report);
        return 0;
    }

    private sealed class Case : IDisposable
    {
        private readonly DisposeScope _scope = NewDisposeScope();
        private readonly Parameter _states;
        private readonly Parameter _head;
        private readonly Tensor _teacherStates;
        private readonly Tensor _teacherHead;
        private readonly PositionSelection _positions;

        public Case(int vocabulary)
        {
            using Generator generator = new(1);
            _states = new Parameter(randn([Positions, Hidden], generator: generator));
            _head = new Parameter(randn([vocabulary, Hidden], generator: generator).div_(HeldScalar.Of(Math.Sqrt(Hidden))));
            _teacherStates = _states.detach().add(randn([Positions, Hidden], generator: generator), HeldScalar.Of(0.3));
            _teacherHead = _head.detach().clone();
            using TokenBatch batch = new(
                zeros([1, Positions], ScalarType.Int64), randint(0, vocabulary, [1, Positions], ScalarType.Int64, generator: generator), ones(1, Positions), [], Positions);
            _positions = PositionSelection.Create(batch, null);
        }

        public void Fused(LogitLossWeights weights)
        {
            using DisposeScope scope = NewDisposeScope();
            using TeacherRows teacher = new HeadRows(_teacherStates, _teacherHead);
            FusedObjective.Compute(new LogitFactors(_states, _head), teacher, _positions, weights).Total.backward();
            Clear();
        }

        public void Plain(LogitLossWeights weights)
        {
            using DisposeScope scope = NewDisposeScope();
            using TeacherRows teacher = new HeadRows(_teacherStates, _teacherHead);
            PlainObjective.Compute(nn.functional.linear(_states, _head), teacher, _positions, weights).Total.backward();
            Clear();
        }

        public void Products()
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable guard = no_grad();
            Tensor logits = nn.functional.linear(_states, _head);
            nn.functional.linear(_teacherStates, _teacherHead);
            logits.mm(_head);
            logits.t().mm(_states);
        }

        public void Dispose() => _scope.Dispose();

        private void Clear()
        {
            _states.grad = null;
            _head.grad = null;
        }
    }

    private sealed class HeadRows(Tensor states, Tensor head) : TeacherRows
    {
        private Tensor? _buffer;

        public override TeacherLogits Read(int first, int count)
        {
            _buffer ??= empty([count, head.shape[0]]).DetachFromDisposeScope();
            return new TeacherLogits.All(_buffer.narrow(0, 0, count).addmm_(states.narrow(0, first, count), head.t(), beta: 0));
        }

        protected override void Dispose(bool disposing) => _buffer?.Dispose();
    }
}
