using Pique.Calibration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Tests.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Calibration.Sensitivity;

public sealed class FisherDiagonalTests
{
    private static readonly CalibrationSamples Samples = CalibrationSamples.Select(
        [.. Enumerable.Range(0, 9).Select(number => new SourcedRecord(new DataRecord.Text($"{(char)('a' + number)}b{number}cd"), $"t:{number}"))],
        new(), 0, new TinyLlama.Tokenizer(), contextTokens: 12);

    [Fact]
    public void The_predicted_rise_is_half_the_sum_of_squared_gradients_times_squared_errors()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);
        (string name, IQuantizableLayer layer) = model.QuantizableLayers.First(entry => entry.Name.Contains("up_proj", StringComparison.Ordinal));
        using DisposeScope scope = NewDisposeScope();
        Tensor moved = layer.Weight.detach().clone();
        moved[1, 2].add_(Pique.Numerics.HeldScalar.Of(0.5f));
        moved[3, 4].sub_(Pique.Numerics.HeldScalar.Of(0.25f));

        using FisherDiagonal fisher = FisherDiagonal.Gather(model, model.QuantizableLayers, Samples.Rows, TestContext.Current.CancellationToken);

        double first = 0, second = 0;
        long tokens = 0;
        foreach (TokenBatch batch in Samples.Rows.Batches(0))
        {
            for (int row = 0; row < batch.Inputs.shape[0]; row++)
            {
                (double at12, double at34, long count) = Gradients(model, layer, batch.Inputs[row], batch.Targets[row], batch.LossMask[row]);
                (first, second, tokens) = (first + (at12 * at12), second + (at34 * at34), tokens + count);
            }
        }

        double expected = 0.5 * ((first * 0.25) + (second * 0.0625)) / tokens;
        Assert.Equal(expected, fisher.PredictedRise(name, layer.Weight, moved), 1e-5 * expected);
        Assert.Equal(0, fisher.PredictedRise(name, layer.Weight, layer.Weight));
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    /// <summary>Of the row's summed cross-entropy, by libtorch's own loss, one token after another.</summary>
    private static (double At12, double At34, long Count) Gradients(LlamaModel model, IQuantizableLayer layer, Tensor inputs, Tensor targets, Tensor mask)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = model.forward(inputs.unsqueeze(0)).squeeze(0);
        Tensor each = nn.functional.cross_entropy(logits, targets, reduction: nn.Reduction.None).mul(mask);
        Tensor gradient = autograd.grad([each.sum()], [layer.Weight])[0];
        return (gradient[1, 2].item<float>(), gradient[3, 4].item<float>(), (long)mask.sum().item<float>());
    }
}
