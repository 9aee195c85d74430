using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Training;

public sealed class ComputeTypeTests
{
    [Theory]
    [InlineData(100, 50, ComputeType.Bfloat16, "bfloat16 products are 2 times as fast as float32 ones on this processor")]
    [InlineData(100, 90, ComputeType.Float32, "bfloat16 products are 1.1 times as fast as float32 ones on this processor")]
    [InlineData(100, 5000, ComputeType.Float32, "bfloat16 products are 0.02 times as fast as float32 ones on this processor")]
    public void Automatic_takes_what_is_faster_and_says_by_how_much(int singleTicks, int halfTicks, ComputeType expected, string reason)
    {
        ComputeTypeChoice choice = ComputeTypeChoice.ByMeasuring(new ScriptedClock(singleTicks, halfTicks));
        Assert.Equal(new(expected, reason), choice);
    }

    [Fact]
    public void Automatic_does_not_measure_where_bfloat16_products_are_float32_ones_of_rounded_factors()
    {
        ComputeTypeChoice choice = ComputeTypeChoice.Make(ComputeType.Auto, hasFrozenWeights: false, new ScriptedClock(1000, 1));
        Assert.Equal(Bfloat16Product.IsNative ? ComputeType.Bfloat16 : ComputeType.Float32, choice.Type);
    }

    [Fact]
    public void A_stated_type_is_taken_without_measuring()
    {
        Assert.Equal(new(ComputeType.Bfloat16, "as the recipe says"), ComputeTypeChoice.Make(ComputeType.Bfloat16, hasFrozenWeights: false, new ScriptedClock(1, 1000)));
        Assert.Equal(new(ComputeType.Float32, "products with frozen weights are float32"), ComputeTypeChoice.Make(ComputeType.Auto, hasFrozenWeights: true, new ScriptedClock(1000, 1)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_product_of_rounded_factors_is_near_the_exact_one_and_has_float32_gradients(bool hasBias)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(3);
        QuantizedLinear layer = new(24, 10, hasBias);
        using (no_grad())
        {
            layer.Weight.copy_(randn([10, 24], generator: generator));
            layer.Bias?.copy_(randn([10], generator: generator));
        }

        Tensor input = randn([3, 5, 24], generator: generator).requires_grad_(true);
        (Tensor exact, Tensor[] exactGradients) = Pass(ScalarType.Float32);
        (Tensor rounded, Tensor[] gradients) = Pass(ScalarType.BFloat16);

        // A factor is rounded by at most 2^-9 of itself, a result of 24 products once more.
        AssertNear(exact, rounded);
        Assert.All(exactGradients.Zip(gradients), pair => AssertNear(pair.First, pair.Second));

        (Tensor, Tensor[]) Pass(ScalarType type)
        {
            layer.ProductType = type;
            input.grad = null;
            layer.zero_grad();
            Tensor output = layer.forward(input);
            output.sin().sum().backward();
            return (output.detach(), [input.grad!.clone(), .. layer.parameters().Select(parameter => parameter.grad!.clone())]);
        }

        static void AssertNear(Tensor expected, Tensor actual)
        {
            Assert.Equal(ScalarType.Float32, actual.dtype);
            Assert.InRange(actual.sub(expected).norm().item<float>() / expected.norm().item<float>(), 1e-6, 0.02);
        }
    }

    [Fact]
    public void A_product_and_its_gradients_are_those_of_bfloat16_tensors()
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(4);
        QuantizedLinear layer = new(48, 20);
        using (no_grad())
            layer.Weight.copy_(randn([20, 48], generator: generator));
        Tensor input = randn([6, 48], generator: generator).requires_grad_(true), upstream = randn([6, 20], generator: generator);
        layer.ProductType = ScalarType.BFloat16;
        Tensor output = layer.forward(input);
        output.mul(upstream).sum().backward();

        Tensor left = input.detach().to(ScalarType.BFloat16), right = layer.Weight.detach().to(ScalarType.BFloat16), slope = upstream.to(ScalarType.BFloat16);
        AssertSameButForTheOrderOfSums(left.mm(right.t()), output.detach());
        AssertSameButForTheOrderOfSums(slope.mm(right), input.grad!);
        AssertSameButForTheOrderOfSums(slope.t().mm(left), layer.Weight.grad!);

        static void AssertSameButForTheOrderOfSums(Tensor expected, Tensor actual)
        {
            float[] theirs = [.. expected.to(ScalarType.Float32).data<float>()], ours = [.. actual.data<float>()];
            Assert.All(ours, value => Assert.Equal(0, BitConverter.SingleToInt32Bits(value) & 0xFFFF));
            Assert.InRange(ours.Zip(theirs).Count(pair => pair.First == pair.Second), 0.98 * ours.Length, ours.Length);
            Assert.All(ours.Zip(theirs), pair => Assert.InRange(pair.First - pair.Second, -0.01f * (1 + Math.Abs(pair.Second)), 0.01f * (1 + Math.Abs(pair.Second))));
        }
    }

    [Fact]
    public void Training_with_rounded_products_comes_within_half_a_percent_of_float32()
    {
        double exact = LossAfterTraining(ComputeType.Float32), rounded = LossAfterTraining(ComputeType.Bfloat16);
        Assert.NotEqual(exact, rounded);
        Assert.InRange(rounded / exact, 0.995, 1.005);

        static double LossAfterTraining(ComputeType type)
        {
            using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student();
            TrainerOptions options = TrainerTests.QatOptions(null);
            double[] losses = TrainerTests.Losses(student, options with { Epochs = 6, Training = options.Training with { ComputeType = type } }, teacher);
            Assert.Equal((ScalarType.Float32, ScalarType.Float32), (student.ProductType, teacher.ProductType));
            return losses[^5..].Average();
        }
    }

    [Fact]
    public void Automatic_measures_once_for_rehearsals_and_training()
    {
        using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student();
        CountingClock clock = new();
        TrainerOptions options = TrainerTests.QatOptions(null);
        using Trainer trainer = new(student, new TinyBatches(), options with { Training = options.Training with { MaxSteps = 1, ComputeType = ComputeType.Auto } }, teacher, clock);
        trainer.Rehearse(1);
        int afterFirst = clock.Readings;
        trainer.Rehearse(2);
        Assert.Equal(Bfloat16Product.IsNative, afterFirst > 0);
        Assert.Equal(afterFirst, clock.Readings);

        trainer.Run(TestContext.Current.CancellationToken);
        Assert.True(!Bfloat16Product.IsNative || clock.Readings - afterFirst < afterFirst);
    }

    private sealed class CountingClock : TimeProvider
    {
        public int Readings { get; private set; }

        public override long GetTimestamp()
        {
            Readings++;
            return System.GetTimestamp();
        }
    }

    [Fact]
    public void A_resumed_run_keeps_the_type_it_began_with()
    {
        using TemporaryFolder folder = new();
        using LlamaModel student = TrainerTests.Student();
        using CancellationTokenSource cancellation = new();
        List<ComputeType> types = [];
        Run(ComputeType.Bfloat16, resume: false, cancellation.Token);
        Run(ComputeType.Auto, resume: true, CancellationToken.None);

        Assert.Equal([ComputeType.Bfloat16, ComputeType.Bfloat16], types);
        Assert.Contains("\"compute_type\": \"bfloat16\"", File.ReadAllText(Path.Combine(folder.Path, Trainer.CheckpointsName, "step-000010", "state.json")), StringComparison.Ordinal);

        void Run(ComputeType type, bool resume, CancellationToken token)
        {
            TrainerOptions options = TrainerTests.QatOptions(folder.Path);
            using Trainer trainer = new(student, new TinyBatches(), options with { Resume = resume, Training = options.Training with { ComputeType = type } });
            trainer.Reported += happening =>
            {
                if (happening is TrainingEvent.ComputeTypeChosen chosen)
                    types.Add(chosen.Type);
                if (happening is TrainingEvent.StepCompleted { Metrics.Step: 4 })
                    cancellation.Cancel();
            };
            trainer.Run(token);
        }
    }

    /// <summary>Float32 is measured first: five runs; then bfloat16.</summary>
    private sealed class ScriptedClock(int singleTicks, int halfTicks) : TimeProvider
    {
        private const int SingleReadings = 10;

        private int _readings;
        private long _now;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp()
        {
            if (++_readings % 2 == 0)
                _now += _readings <= SingleReadings ? singleTicks : halfTicks;
            return _now;
        }
    }
}
