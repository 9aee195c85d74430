using CsCheck;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics.Kernels;

public sealed class DistillationRowsKernelTests
{
    public static TheoryData<string> Teachers => ["none", "whole", "likeliest"];

    [Theory]
    [MemberData(nameof(Teachers))]
    public void Every_form_gives_the_bits_of_the_reference(string teacher) => CasesWith(teacher).Sample(
        rows =>
        {
            var reference = rows.Compute(TeacherOf(teacher), KernelForm.Scalar);
            foreach (KernelForm form in Enum.GetValues<KernelForm>())
            {
                var found = rows.Compute(TeacherOf(teacher), form);
                Assert.Equal(reference.Task, found.Task);
                Assert.Equal(reference.Distillation, found.Distillation);
                Assert.Equal(reference.Divergence, found.Divergence);
                Assert.Equal(reference.Gradient, found.Gradient);
            }
        },
        iter: 100,
        threads: 1);

    [Theory]
    [MemberData(nameof(Teachers))]
    public void Losses_are_within_a_millionth_of_those_computed_in_float64(string teacher) => CasesWith(teacher).Sample(
        rows =>
        {
            var found = rows.Compute(TeacherOf(teacher), KernelForms.Best);
            for (int row = 0; row < rows.Rows; row++)
            {
                ExactRow exact = new(rows, row, teacher == "likeliest");
                AssertClose(exact.Task, found.Task[row], 1e-6);
                AssertClose(exact.Distillation, found.Distillation[row], 1e-6);
                AssertClose(exact.ReasoningDivergence, found.Divergence[row], 1e-6);
            }
        },
        iter: 100,
        threads: 1);

    [Theory]
    [MemberData(nameof(Teachers))]
    public void Gradients_are_the_slopes_of_the_losses(string teacher) => CasesWith(teacher).Where(rows => rows.Vocabulary <= 70).Sample(
        rows =>
        {
            var found = rows.Compute(TeacherOf(teacher), KernelForms.Best);
            for (int row = 0; row < rows.Rows; row++)
            {
                ExactRow exact = new(rows, row, teacher == "likeliest");
                for (int token = 0; token < rows.Vocabulary; token++)
                    AssertClose(exact.Gradient(token), found.Gradient[(row * rows.Vocabulary) + token], 2e-6);
            }
        },
        iter: 60,
        threads: 1);

    [Fact]
    public void A_student_equal_to_its_teacher_has_no_divergence_and_no_gradient_but_the_task_s()
    {
        RowsCase rows = new(4, 501, 20, Spread: 3, Distance: 0, Temperature: 1, new(0, 1, 1), Reasons: true, Seed: 3);
        var found = rows.Compute(RowsCase.WholeTeacher, KernelForms.Best);
        Assert.All(found.Distillation.Concat(found.Divergence), nats => Assert.Equal(0, nats));
        Assert.All(found.Gradient, slope => Assert.Equal(0f, slope));
    }

    [Fact]
    public void A_million_logits_lose_no_more_than_a_hundred()
    {
        // Σ e^0 over a million tokens: float32 partial sums of long rows would drift.
        const int Vocabulary = 1_000_003;
        using DisposeScope scope = NewDisposeScope();
        DistillationRows rows = new([5], [1f], []);
        rows.Compute(0, full([1, Vocabulary], 2.5f), null, new(1, 0, 0), 1);
        Assert.Equal(Math.Log(Vocabulary), rows.TaskNats[0], 1e-12);
    }

    [Fact]
    public void A_row_by_itself_gives_the_bits_it_gives_among_others_on_all_threads()
    {
        RowsCase all = new(9, 4001, 20, Spread: 3, Distance: 1, Temperature: 2, new(1, 0.5f, 0.2f), Reasons: true, Seed: 3);
        var together = all.Compute(RowsCase.WholeTeacher, KernelForms.Best);
        using DisposeScope scope = NewDisposeScope();
        DistillationRows rows = all.NewRows();
        Tensor student = tensor(all.Student, [all.Rows, all.Vocabulary]), teacher = tensor(all.Teacher, [all.Rows, all.Vocabulary]);
        for (int row = all.Rows - 1; row >= 0; row--)
            rows.Compute(row, student.narrow(0, row, 1), new TeacherLogits.All(teacher.narrow(0, row, 1)), all.Factors, all.Temperature);
        Assert.Equal(together.Task, rows.TaskNats);
        Assert.Equal(together.Distillation, rows.DistillationNats);
        Assert.Equal(together.Divergence, rows.DivergenceNats);
        Assert.Equal(together.Gradient, student.data<float>().ToArray());
    }

    [Fact]
    public void What_is_not_finite_shows_in_the_loss()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (float value in (float[])[float.NaN, float.PositiveInfinity])
        {
            DistillationRows rows = new([0, 0], [1f, 1f], []);
            rows.Compute(0, tensor(new[,] { { 1f, 2f, value }, { 1f, 2f, 3f } }), null, new(1, 0, 0), 1);
            Assert.Equal(double.NaN, rows.TaskNats[0]);
            Assert.Equal(Math.Log(Math.Exp(-2) + Math.Exp(-1) + 1) + 2, rows.TaskNats[1], 1e-6);
        }
    }

    [Fact]
    public void What_would_be_read_or_written_out_of_bounds_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = zeros(2, 3);
        Assert.Equal(
            "data: found the token id 3, the model's vocabulary has 3 ids from 0 on; tokenize the data with the model's own tokenizer.",
            Assert.Throws<InputException>(() => new DistillationRows([0, 3], [1f, 1f], []).Compute(0, logits, null, new(1, 0, 0), 1)).Message);
        DistillationRows rows = new([0, 1], [1f, 1f], []);
        Assert.Equal("Found teacher logits of shape [2, 4], expected [2, 3].", Refused(new TeacherLogits.All(zeros(2, 4))));
        Assert.Equal(
            "Found 3 likeliest tokens, expected at least 1 and fewer than the 3 of the vocabulary.",
            Refused(new TeacherLogits.Likeliest(zeros([2, 3], ScalarType.Int32), zeros(2, 4), zeros(2, 4))));
        Assert.Equal(
            "Found the token id 3, expected 0 to 2.",
            Refused(new TeacherLogits.Likeliest(tensor(new[,] { { 0 }, { 3 } }), zeros(2, 2), zeros(2, 2))));
        Assert.Equal("Found 1 Weights, expected 2. (Parameter 'Weights')", Assert.Throws<ArgumentException>(() => new DistillationRows([0, 1], [1f], []).Compute(0, logits, null, new(1, 0, 0), 1)).Message);

        string Refused(TeacherLogits teacher) => Assert.Throws<ArgumentException>(() => rows.Compute(0, logits, teacher, new(1, 1, 0), 1)).Message;
    }

    private static Gen<RowsCase> CasesWith(string teacher) => RowsCase.Any.Select(rows => teacher == "none" ? rows with { Factors = new(rows.Factors.Task, 0, 0) } : rows);

    private static Func<RowsCase, TeacherLogits?> TeacherOf(string teacher) => teacher switch
    {
        "whole" => RowsCase.WholeTeacher,
        "likeliest" => RowsCase.Likeliest,
        _ => _ => null,
    };

    private static void AssertClose(double expected, double found, double tolerance) =>
        Assert.True(Math.Abs(expected - found) <= tolerance * (1 + Math.Abs(expected)), $"expected {expected:R}, found {found:R}");
}
