using Pique.Configuration;
using Pique.Data;
using Pique.Objectives;
using static TorchSharp.torch;

namespace Pique.Tests.Objectives;

public sealed class ReasoningLossTests
{
    // Row 1 of context 10: a calculation at 2–3, a conclusion at 4–6, the answer at 8.
    private static readonly BatchSpan[] Spans =
    [
        new(1, 0, new(2, 2, ReasoningSpanKind.Calculation)),
        new(1, 0, new(4, 3, ReasoningSpanKind.Conclusion)),
        new(1, 0, new(8, 1, ReasoningSpanKind.Answer)),
    ];

    [Fact]
    public void The_plan_looks_at_last_tokens_and_one_before_each_token()
    {
        ReasoningPlan plan = ReasoningPlan.Create(Spans, 10, new() { MuAnswer = 0.2f, MuStepTokens = 1 });
        Assert.Equal([13L, 16L, 18L], plan.StepEnds);
        Assert.Equal([1.5f, 2f, 2f], plan.StepWeights);
        Assert.Equal([0L, 1L], plan.PairStarts);
        Assert.Equal([1L, 2L], plan.PairEnds);
        Assert.Equal([11L, 12L, 13L, 14L, 15L, 17L], plan.TokenWeights.Keys);
        Assert.Equal([0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.2f], plan.TokenWeights.Values);
    }

    [Fact]
    public void Records_are_not_joined_and_a_token_that_opens_its_row_is_not_predicted()
    {
        ReasoningPlan plan = ReasoningPlan.Create(
            [new(0, 0, new(0, 2, ReasoningSpanKind.Step)), new(0, 1, new(5, 1, ReasoningSpanKind.Answer))], 10, new());
        Assert.Empty(plan.PairStarts);
        Assert.Equal([0L, 4L], plan.TokenWeights.Keys);
    }

    [Fact]
    public void The_loss_of_right_angles_and_reversals_by_hand()
    {
        // Last hidden states, student against teacher: equal (cos 1), right angle (cos 0), opposite (cos −1).
        using Tensor student = zeros(20, 2), teacher = zeros(20, 2);
        Put(student, 13, 1, 0);
        Put(teacher, 13, 2, 0);
        Put(student, 16, 0, 1);
        Put(teacher, 16, 1, 0);
        Put(student, 18, 0, 3);
        Put(teacher, 18, 0, -1);
        ReasoningLossOptions options = new();
        ReasoningPlan plan = ReasoningPlan.Create(Spans, 10, options);
        using Tensor ends = teacher.index_select(0, tensor(plan.StepEnds.ToArray()));

        using Tensor loss = ReasoningLoss.Compute(plan, options, student, ends);

        double steps = ((1.5 * 0) + (2 * 1) + (2 * 2)) / 3;
        // Moves: (−1, 1) against (−1, 0): cos 1/√2; (0, 2) against (−1, −1): cos −1/√2.
        double moves = (1 - Math.Sqrt(0.5) + 1 + Math.Sqrt(0.5)) / 2;
        Assert.Equal((0.3 * steps) + (0.5 * moves), loss.item<float>(), 1e-5);
    }

    [Fact]
    public void Presets_are_those_of_record()
    {
        Assert.Equal(new ReasoningLossOptions(), ReasoningLossOptions.Of(ReasoningPreset.Default));
        Assert.Equal(ReasoningLossOptions.Math, ReasoningLossOptions.Of(ReasoningPreset.Math));
        Assert.Equal(ReasoningLossOptions.Code, ReasoningLossOptions.Of(ReasoningPreset.Code));
        Assert.Equal((0.4f, 0.4f, 0.4f), (ReasoningLossOptions.Math.MuStep, ReasoningLossOptions.Math.MuTrajectory, ReasoningLossOptions.Math.MuAnswer));
        Assert.Equal((0.2f, 0.6f, 0.3f), (ReasoningLossOptions.Code.MuStep, ReasoningLossOptions.Code.MuTrajectory, ReasoningLossOptions.Code.MuAnswer));
    }

    private static void Put(Tensor states, int row, float x, float y)
    {
        states[row, 0] = x;
        states[row, 1] = y;
    }
}
