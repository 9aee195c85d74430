using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels;

/// <summary>The losses of one row in float64, straight from their definitions.</summary>
internal sealed class ExactRow
{
    private readonly double[] _student;
    private readonly double[] _teacher;
    private readonly int[]? _likeliest;
    private readonly RowsCase _case;
    private readonly int _row;

    /// <param name="rows">The rows.</param>
    /// <param name="row">Which of them.</param>
    /// <param name="merges">Whether all but the teacher's likeliest tokens are one bucket.</param>
    public ExactRow(RowsCase rows, int row, bool merges)
    {
        (_case, _row) = (rows, row);
        _student = [.. rows.Student.Skip(row * rows.Vocabulary).Take(rows.Vocabulary).Select(value => (double)value)];
        _teacher = RowsCase.LogSoftmax(rows.Teacher.AsSpan(row * rows.Vocabulary, rows.Vocabulary), 1);
        _likeliest = merges ? [.. Enumerable.Range(0, rows.Vocabulary).OrderByDescending(token => _teacher[token]).Take(rows.TopK)] : null;
    }

    public double Task => -RowsCase.LogSoftmax(_student, 1)[_case.Targets[_row]];

    public double Distillation => IsDistilled ? Divergence(_case.Temperature) : 0;

    public double ReasoningDivergence => Reasons ? Divergence(1) : 0;

    private bool IsDistilled => _case.Factors.Distillation != 0 && _case.Weights[_row] != 0;

    private bool Reasons => _case.Reasons && _case.Factors.Divergence != 0 && _case.DivergenceWeights[_row] != 0;

    /// <summary>∂/∂logit of the weighted losses, by central differences. The kernel's factor of L_KD has 1/T in it.</summary>
    public double Gradient(int token)
    {
        const double Distance = 1e-4;
        double before = _student[token];
        _student[token] = before + Distance;
        double above = Total();
        _student[token] = before - Distance;
        double below = Total();
        _student[token] = before;
        return (above - below) / (2 * Distance);
    }

    private double Total()
    {
        RowFactors factors = _case.Factors;
        return (factors.Task * _case.Weights[_row] * Task)
            + (factors.Distillation * _case.Temperature * _case.Weights[_row] * Distillation)
            + (Reasons ? factors.Divergence * _case.DivergenceWeights[_row] * ReasoningDivergence : 0);
    }

    private double Divergence(double temperature)
    {
        double[] own = RowsCase.LogSoftmax(Buckets(RowsCase.LogSoftmax(_student, 1)), temperature), other = RowsCase.LogSoftmax(Buckets(_teacher), temperature);
        return own.Zip(other, (student, teacher) => Math.Exp(teacher) * (teacher - student)).Sum();
    }

    private double[] Buckets(double[] log)
    {
        if (_likeliest is null)
            return log;
        HashSet<int> others = [.. Enumerable.Range(0, log.Length)];
        others.ExceptWith(_likeliest);
        return [.. _likeliest.Select(token => log[token]), Math.Log(others.Sum(token => Math.Exp(log[token])))];
    }
}
