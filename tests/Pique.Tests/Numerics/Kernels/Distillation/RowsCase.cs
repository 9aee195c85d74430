using CsCheck;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics.Kernels;

/// <summary>Random rows of logits of a student and a teacher, and their losses and gradients in float64 by the formulas of docs/math.md §4.</summary>
internal sealed record RowsCase(int Rows, int Vocabulary, int TopK, float Spread, float Distance, float Temperature, RowFactors Factors, bool Reasons, int Seed)
{
    public static Gen<RowsCase> Any { get; } =
        from rows in Gen.Int[1, 5]
        from vocabulary in Gen.Frequency((8, Gen.Int[2, 70]), (2, Gen.Int[100, 700]), (1, Gen.Int[4000, 9000]))
        from topK in Gen.Int[1, 20]
        from spread in Gen.OneOf(0.1f, 1f, 4f, 30f)
        from distance in Gen.OneOf(0f, 1e-3f, 0.3f, 3f)
        from temperature in Gen.OneOf(1f, 2f, 3f, 4f, 1.5f, 0.5f)
        from factors in Gen.Select(Gen.OneOf(0f, 1f, 0.7f), Gen.OneOf(0f, 0.5f), Gen.OneOf(0f, 0.2f))
        from reasons in Gen.Bool
        from seed in Gen.Int[0, 1 << 20]
        select new RowsCase(rows, vocabulary, Math.Min(topK, vocabulary - 1), spread, distance, temperature, new(factors.Item1, factors.Item2, factors.Item3), reasons, seed);

    public float[] Student { get; } = Normal(Rows * Vocabulary, Seed, Spread);

    public float[] Teacher => [.. Student.Zip(Normal(Rows * Vocabulary, Seed + 1, Distance), (own, apart) => own + apart)];

    /// <summary>Some rows count in no mean, and the first reasons in any case.</summary>
    public float[] Weights => [.. Enumerable.Range(0, Rows).Select(row => row % 3 == 2 ? 0f : 1f / (row + 1))];

    public float[] DivergenceWeights => Reasons ? [.. Enumerable.Range(0, Rows).Select(row => row % 2 == 0 ? 0.4f : 0f)] : [];

    public long[] Targets => [.. Enumerable.Range(0, Rows).Select(row => (long)(row * 7919 + Seed) % Vocabulary)];

    public DistillationRows NewRows() => new(Targets, Weights, DivergenceWeights);

    /// <summary>The kernel's losses and gradient.</summary>
    public (double[] Task, double[] Distillation, double[] Divergence, float[] Gradient) Compute(Func<RowsCase, TeacherLogits?> teacher, KernelForm form)
    {
        using DisposeScope scope = NewDisposeScope();
        DistillationRows rows = NewRows();
        Tensor student = tensor(Student, [Rows, Vocabulary]);
        rows.Compute(0, student, teacher(this), Factors, Temperature, form);
        return (rows.TaskNats, rows.DistillationNats, rows.DivergenceNats, student.data<float>().ToArray());
    }

    public static TeacherLogits WholeTeacher(RowsCase rows) => new TeacherLogits.All(tensor(rows.Teacher, [rows.Rows, rows.Vocabulary]));

    /// <summary>The teacher's likeliest tokens and the rest, each in float64 before it is rounded.</summary>
    public static TeacherLogits Likeliest(RowsCase rows)
    {
        List<int> ids = [];
        List<float> values = [];
        for (int row = 0; row < rows.Rows; row++)
        {
            double[] log = LogSoftmax(rows.Teacher.AsSpan(row * rows.Vocabulary, rows.Vocabulary), 1);
            int[] order = [.. Enumerable.Range(0, rows.Vocabulary).OrderByDescending(token => log[token])];
            ids.AddRange(order[..rows.TopK]);
            values.AddRange(order[..rows.TopK].Select(token => (float)log[token]));
            values.Add((float)Math.Log(order[rows.TopK..].Sum(token => Math.Exp(log[token]))));
        }

        Tensor kept = tensor(values.ToArray(), [rows.Rows, rows.TopK + 1]);
        return new TeacherLogits.Likeliest(tensor(ids.ToArray(), [rows.Rows, rows.TopK]), kept, zeros_like(kept));
    }

    public static double[] LogSoftmax(ReadOnlySpan<float> logits, double temperature) => LogSoftmax([.. logits.ToArray().Select(value => (double)value)], temperature);

    public static double[] LogSoftmax(double[] logits, double temperature)
    {
        double largest = logits.Max();
        double logSum = (largest / temperature) + Math.Log(logits.Sum(value => Math.Exp((value - largest) / temperature)));
        return [.. logits.Select(value => (value / temperature) - logSum)];
    }

    private static float[] Normal(int count, int seed, float scale)
    {
        SplitMix64 random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => scale * (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
