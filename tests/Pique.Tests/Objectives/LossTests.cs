using Pique.Objectives;
using static TorchSharp.torch;

namespace Pique.Tests.Objectives;

public sealed class LossTests
{
    private static Tensor LogSoftmax(Tensor logits) => nn.functional.log_softmax(logits, -1);

    [Fact]
    public void Task_loss_of_hand_made_probabilities_is_the_mean_of_their_logarithms()
    {
        // Probabilities of the targets: 1/2, 1/4, and one that is masked out.
        using Tensor logProbabilities = tensor(new[,] { { 0.5f, 0.25f, 0.25f }, { 0.5f, 0.25f, 0.25f }, { 0.8f, 0.1f, 0.1f } }).log();
        using Tensor loss = TaskLoss.Compute(logProbabilities, tensor(new long[] { 0, 2, 1 }), tensor(new[] { 1f, 1f, 0f }));
        Assert.Equal((Math.Log(2) + Math.Log(4)) / 2, loss.item<float>(), 1e-6);
    }

    [Fact]
    public void A_batch_that_is_masked_whole_has_no_loss()
    {
        using Tensor logProbabilities = LogSoftmax(zeros(2, 3));
        using Tensor loss = TaskLoss.Compute(logProbabilities, zeros(2, ScalarType.Int64), zeros(2));
        Assert.Equal(0f, loss.item<float>());
    }

    [Fact]
    public void Distillation_loss_of_hand_made_probabilities()
    {
        // KL((1/2, 1/2) ‖ (3/4, 1/4)) = ½·ln(2/3) + ½·ln 2 = ½·ln(4/3); times T² = 9. The second row is masked out.
        using Tensor teacher = tensor(new[,] { { 0.5f, 0.5f }, { 0.5f, 0.5f } }).log();
        using Tensor student = tensor(new[,] { { 0.75f, 0.25f }, { 0.1f, 0.9f } }).log();
        using Tensor loss = DistillationLoss.Compute(student, teacher, tensor(new[] { 1f, 0f }), 3);
        Assert.Equal(9 * 0.5 * Math.Log(4.0 / 3), loss.item<float>(), 1e-5);
    }

    [Fact]
    public void Equal_models_do_not_diverge()
    {
        using Tensor logProbabilities = LogSoftmax(randn(4, 7, generator: new Generator(3)));
        using Tensor divergence = DistillationLoss.Divergence(logProbabilities, logProbabilities);
        Assert.All(divergence.data<float>().ToArray(), value => Assert.Equal(0f, value));
    }

    [Fact]
    public void The_gradient_of_distillation_is_T_times_the_difference_of_probabilities()
    {
        const float Temperature = 3;
        using Generator generator = new(5);
        using Tensor student = randn(4, 7, generator: generator).requires_grad_();
        using Tensor teacher = randn(4, 7, generator: generator).requires_grad_();
        DistillationLoss.Compute(LogSoftmax(student / Temperature), LogSoftmax(teacher / Temperature), ones(4), Temperature).backward();
        using Tensor expected = (nn.functional.softmax(student / Temperature, -1) - nn.functional.softmax(teacher / Temperature, -1)) * (Temperature / 4);
        Assert.True(allclose(expected, student.grad!, 1e-5, 1e-7));
        Assert.Null(teacher.grad);
    }
}
