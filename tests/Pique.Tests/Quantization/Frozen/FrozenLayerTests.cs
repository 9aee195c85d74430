using Pique.Adapters;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization.Frozen;

public class FrozenLayerTests
{
    private const int Outputs = 12, Inputs = 20, Rank = 4;

    public static TheoryData<string, string, float> Cases
    {
        get
        {
            TheoryData<string, string, float> cases = [];
            foreach (string grid in (string[])["learned", "affine", "range", "pi", "dampened"])
            {
                foreach (string adapter in (string[])["none", "whole", "dropped"])
                {
                    cases.Add(grid, adapter, 1f);
                    cases.Add(grid, adapter, 0.75f);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Output_and_gradients_are_those_of_plain_operations_bit_for_bit(string grid, string adapter, float strength)
    {
        using DisposeScope scope = NewDisposeScope();
        using Case sample = new(grid, adapter);
        sample.Quantizer.Strength = strength;
        (int[] Output, Dictionary<string, int[]> Gradients) plain = sample.Run((input, bias) =>
            nn.functional.linear(input, sample.Layer.EffectiveWeight(sample.Quantizer), bias));

        (int[] Output, Dictionary<string, int[]> Gradients) lean = sample.Run((input, bias) => sample.Layer.Multiply(input, sample.Quantizer, bias));

        Assert.Equal(plain.Output, lean.Output);
        Assert.Equal(plain.Gradients.Keys, lean.Gradients.Keys);
        Assert.All(plain.Gradients, entry => Assert.True(entry.Value.SequenceEqual(lean.Gradients[entry.Key]), entry.Key));
    }

    [Fact]
    public void Without_rounding_the_gradients_are_those_of_finite_differences()
    {
        using DisposeScope scope = NewDisposeScope();
        using Case sample = new("learned", "whole");
        sample.Quantizer.Strength = 0;
        LoraAdapter adapter = (LoraAdapter)sample.Layer.Adapter!;
        sample.Run((input, bias) => sample.Layer.Multiply(input, sample.Quantizer, bias), keepsGradients: true);

        using IDisposable noGradient = no_grad();
        foreach (Tensor trained in (Tensor[])[adapter.A, adapter.B, sample.Input])
        {
            Tensor gradient = trained.grad!.clone();
            Tensor flat = trained.view(-1);
            for (long i = 0; i < flat.shape[0]; i += 7)
            {
                const double Step = 1e-2;
                double numeric = (LossAt(i, Step) - LossAt(i, -Step)) / (2 * Step);
                Assert.Equal(gradient.view(-1)[i].item<float>(), numeric, 2e-2 * Math.Max(1, Math.Abs(numeric)));
            }

            double LossAt(long index, double step)
            {
                using DisposeScope inner = NewDisposeScope();
                float before = flat[index].item<float>();
                flat[index] = (float)(before + step);
                double loss = sample.Loss(sample.Layer.Multiply(sample.Input, sample.Quantizer, sample.Bias)).to(ScalarType.Float64).item<double>();
                flat[index] = before;
                return loss;
            }
        }
    }

    [Fact]
    public void A_product_taken_in_pieces_is_the_whole_product_and_so_is_its_gradient()
    {
        using DisposeScope scope = NewDisposeScope();
        // A piece and a part of one.
        const long Tokens = 5, Vocabulary = 5_000, Width = 1_024;
        manual_seed(4);
        Tensor weight = randn(Vocabulary, Width);
        using FrozenLayer layer = new(FrozenWeightBuilder.Of(null, weight));
        Assert.Equal(2, layer.Base.Pieces().Count());
        Tensor bias = randn(Vocabulary), upstream = randn(1, Tokens, Vocabulary);
        Tensor input = randn(1, Tokens, Width).requires_grad_(true), other = input.detach().clone().requires_grad_(true);

        Tensor output = layer.Multiply(input, null, bias);
        Tensor expected = nn.functional.linear(other, weight, bias);
        output.backward([upstream]);
        expected.backward([upstream]);

        Assert.Equal(expected.shape, output.shape);
        Assert.True(output.allclose(expected, 1e-5, 1e-4));
        Assert.True(input.grad!.allclose(other.grad!, 1e-5, 1e-3));
    }

    [Fact]
    public void A_layer_rounded_for_good_computes_with_that_and_as_the_teacher_with_its_base()
    {
        using DisposeScope scope = NewDisposeScope();
        using Case sample = new("learned", "none");
        QuantizedTensor packed = FrozenRounding.Quantize("layer", sample.Layer.Base, sample.Quantizer.Spec, ScaleMethod.AbsMax);
        sample.Layer.Rounded = new PackedWeight(packed);

        Tensor student = sample.Layer.Multiply(sample.Input, sample.Quantizer, null);
        sample.Layer.IsBypassed = true;
        Tensor teacher = sample.Layer.Multiply(sample.Input, sample.Quantizer, null);

        Assert.Equal(QuantizationCases.Bits(nn.functional.linear(sample.Input, packed.Dequantize()).detach()), QuantizationCases.Bits(student.detach()));
        Assert.Equal(QuantizationCases.Bits(nn.functional.linear(sample.Input, sample.Layer.Base.Materialize()).detach()), QuantizationCases.Bits(teacher.detach()));
        Assert.Equal(QuantizationCases.Bits(packed.Dequantize()[2]), QuantizationCases.Bits(SelectSecond(isBypassed: false)));
        Assert.Equal(QuantizationCases.Bits(sample.Layer.Base.Materialize()[2]), QuantizationCases.Bits(SelectSecond(isBypassed: true)));

        Tensor SelectSecond(bool isBypassed)
        {
            sample.Layer.IsBypassed = isBypassed;
            return sample.Layer.SelectRows(tensor(new long[] { 2 }), null)[0];
        }
    }

    [Fact]
    public void A_held_layer_computes_the_same_and_refuses_gradients()
    {
        using DisposeScope scope = NewDisposeScope();
        using Case sample = new("learned", "whole");
        int[] expected = QuantizationCases.Bits(sample.Layer.Multiply(sample.Input, sample.Quantizer, sample.Bias).detach());

        using (sample.Layer.Hold(sample.Quantizer.Quantize(sample.Layer.LatentWeight())))
        {
            using (no_grad())
                Assert.Equal(expected, QuantizationCases.Bits(sample.Layer.Multiply(sample.Input, sample.Quantizer, sample.Bias)));
            InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => sample.Layer.Multiply(sample.Input, sample.Quantizer, sample.Bias));
            Assert.Equal("The weight is held, which has no gradient; dispose the hold before training.", error.Message);
        }

        Assert.Equal(expected, QuantizationCases.Bits(sample.Layer.Multiply(sample.Input, sample.Quantizer, sample.Bias).detach()));
    }

    [Fact]
    public void A_pass_and_its_backward_leave_gradients_alone_behind()
    {
        using Case sample = new("learned", "whole");
        Pass();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Pass();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Pass()
        {
            using DisposeScope scope = NewDisposeScope();
            sample.Loss(sample.Layer.Multiply(sample.Input, sample.Quantizer, sample.Bias)).backward();
        }
    }

    /// <summary>A layer with its quantizer, an input and a bias.</summary>
    private sealed class Case : IDisposable
    {
        private readonly Tensor _target;

        public Case(string grid, string adapter)
        {
            WeightQuantizationSpec learned = new(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize());
            WeightQuantizationSpec spec = grid switch
            {
                "learned" => learned,
                "affine" => learned with { Kind = GridKind.Affine },
                "range" => learned with { Estimator = new SteVariant.Standard(), Granularity = new QuantGranularity.PerBlock(8) },
                "pi" => learned with { PiK = 4 },
                "dampened" => learned with { OscillationDampening = 0.2f },
                _ => throw new ArgumentOutOfRangeException(nameof(grid), grid, "Unknown grid."),
            };
            using DisposeScope scope = NewDisposeScope();
            Tensor weight = QuantizationCases.Matrix(QuantizationCases.Weights(Outputs, Inputs, seed: 1), Outputs, Inputs);
            Layer = new FrozenLayer(FrozenWeightBuilder.Of(FrozenStorage.Bfloat16, weight));
            Quantizer = FakeQuantizer.Create("layer", spec, Layer.Base.Materialize(), ScaleMethod.MinimumError);
            Input = Random(30, 2, 5, Inputs).requires_grad_(true).DetachFromDisposeScope();
            Bias = Random(31, Outputs).DetachFromDisposeScope();
            _target = Random(32, 2, 5, Outputs).DetachFromDisposeScope();
            if (adapter == "none")
                return;
            LoraAdapter update = new(Random(33, Rank, Inputs).mul_(0.2), Random(34, Outputs, Rank).mul_(0.2), alpha: 6);
            if (adapter == "dropped")
                update.Drop(0.5, new SplitMix64(1));
            Layer.Adapter = update;
        }

        public FrozenLayer Layer { get; }

        public FakeQuantizer Quantizer { get; }

        public Tensor Input { get; }

        public Tensor Bias { get; }

        public Tensor Loss(Tensor output) => output.sub(_target).Squared().sum().mul(0.5);

        public (int[] Output, Dictionary<string, int[]> Gradients) Run(Func<Tensor, Tensor, Tensor> compute, bool keepsGradients = false)
        {
            using DisposeScope scope = NewDisposeScope();
            Dictionary<string, Tensor> trained = Quantizer.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter);
            trained.Add("input", Input);
            if (Layer.Adapter is { } adapter)
            {
                trained.Add("A", adapter.Trained[0]);
                trained.Add("B", adapter.Trained[1]);
            }

            Tensor output = compute(Input, Bias);
            Loss(output).backward();
            Dictionary<string, int[]> gradients = trained.ToDictionary(entry => entry.Key, entry => QuantizationCases.Bits(entry.Value.grad!.contiguous()));
            foreach (Tensor value in trained.Values.Where(_ => !keepsGradients))
                value.grad = null;
            return (QuantizationCases.Bits(output.detach().contiguous()), gradients);
        }

        public void Dispose()
        {
            (Layer.Adapter as LoraAdapter)?.Dispose();
            Layer.Dispose();
            Quantizer.Dispose();
            Input.Dispose();
            Bias.Dispose();
            _target.Dispose();
        }

        private static Tensor Random(long seed, params long[] shape)
        {
            using Generator generator = new((ulong)seed, CPU);
            return randn(shape, generator: generator);
        }
    }
}
