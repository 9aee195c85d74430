using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

public sealed class FakeQuantizerTests
{
    private const int Rows = 7;
    private const int Columns = 43;
    private static readonly float[] Weights = QuantizationCases.Weights(Rows, Columns, seed: 11);

    [Theory]
    [InlineData(ScaleMethod.AbsMax)]
    [InlineData(ScaleMethod.MinimumError)]
    [InlineData(ScaleMethod.MeanAbsolute)]
    public void What_convert_dequantizes_equals_the_forward_pass_bit_for_bit(ScaleMethod method)
    {
        foreach (WeightQuantizationSpec spec in QuantizationCases.LearnedAndNot())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor weight = QuantizationCases.Matrix(Weights, Rows, Columns);
            using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, method);
            QuantizedTensor packed = quantizer.Quantize(weight);

            Assert.Equal(QuantizationCases.Bits(quantizer.forward(weight)), QuantizationCases.Bits(packed.DequantizeToArray()));
            Assert.Equal(QuantizationCases.Bits(packed.Dequantize()), QuantizationCases.Bits(packed.DequantizeToArray()));
        }
    }

    [Fact]
    public void Codes_equal_the_scalar_reference()
    {
        foreach (WeightQuantizationSpec spec in QuantizationCases.LearnedAndNot())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor weight = QuantizationCases.Matrix(Weights, Rows, Columns);
            using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.MeanAbsolute);
            QuantizedTensor packed = quantizer.Quantize(weight);
            byte[] codes = new byte[Columns];
            for (int row = 0; row < Rows; row++)
            {
                packed.UnpackRow(row, codes);
                for (int column = 0; column < Columns; column++)
                {
                    int index = (row * Columns) + column;
                    int group = (int)packed.Layout.GroupOf(index);
                    int zeroPoint = packed.ZeroPoints is { } zeroPoints ? zeroPoints.Span[group] : 1 << (spec.Bits - 1);
                    byte expected = ScalarQuantizer.Code(Weights[index], packed.ScaleOf(group), zeroPoint, spec.Grid);
                    if (expected != codes[column])
                        Assert.Fail($"{spec} [{row}, {column}]: found {codes[column]}, expected {expected}");
                }
            }
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.25f)]
    [InlineData(1f)]
    public void Gradients_are_those_of_the_stated_estimator(float strength)
    {
        float[] upstream = QuantizationCases.Weights(Rows, Columns, seed: 5).Select((value, i) => value + (i % 3) - 1f).ToArray();
        foreach (WeightQuantizationSpec spec in QuantizationCases.All())
        {
            using DisposeScope scope = NewDisposeScope();
            using Parameter weight = new(QuantizationCases.Matrix(Weights, Rows, Columns));
            using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.MeanAbsolute);
            quantizer.Strength = strength;
            GroupScales grid = quantizer.CurrentScales(weight);
            float[] scales = grid.Scales.data<float>().ToArray();
            float[]? zeroPoints = grid.ZeroPoints?.data<float>().ToArray();
            GroupLayout layout = GroupLayout.For(spec.Granularity, Rows, Columns);

            quantizer.forward(weight).backward([QuantizationCases.Matrix(upstream, Rows, Columns)]);

            double[] expectedScale = new double[scales.Length];
            double[] expectedZeroPoint = new double[scales.Length];
            double[] magnitude = new double[scales.Length];
            int[] members = new int[scales.Length];
            float[] found = weight.grad!.data<float>().ToArray();
            for (int i = 0; i < Weights.Length; i++)
            {
                int group = (int)layout.GroupOf(i);
                members[group]++;
                float zeroPoint = zeroPoints?[group] ?? 1 << (spec.Bits - 1);
                (double slopeWeight, double slopeScale) = Reference(spec, Weights[i], scales[group], (int)zeroPoint, upstream[i]);
                double expected = upstream[i] * (1 - strength + (strength * slopeWeight));
                expectedZeroPoint[group] += slopeWeight == 0 ? strength * upstream[i] * -scales[group] : 0;
                if (!(Math.Abs(expected - found[i]) <= 1e-5 * (1 + Math.Abs(expected))))
                    Assert.Fail($"{spec} weight {i}: found {found[i]}, expected {expected}");
                expectedScale[group] += strength * upstream[i] * slopeScale;
                magnitude[group] += Math.Abs(upstream[i] * slopeScale);
            }

            if (!spec.LearnsScale)
            {
                Assert.Null(quantizer.LearnedParameter);
                continue;
            }

            float[]? ks = spec.PiKPerChannel ? quantizer.get_buffer("pi_k")!.data<float>().ToArray() : null;
            float[]? foundZeroPoint = quantizer.LearnedZeroPoint?.grad!.data<float>().ToArray();
            Assert.Equal(spec.Symmetric, foundZeroPoint is null);
            float[] foundScale = quantizer.LearnedParameter!.grad!.data<float>().ToArray();
            for (int group = 0; group < scales.Length; group++)
            {
                double factor = ks is not null ? Math.PI / ks[group / layout.BlocksPerLine] : spec.PiK is { } k ? Math.PI / k : 1;
                double gradientScale = 1 / Math.Sqrt(members[group] * ((1 << (spec.Bits - 1)) - 1.0));
                double expected = factor * gradientScale * expectedScale[group];
                double tolerance = 1e-5 * (1 + (factor * gradientScale * magnitude[group]));
                if (!(Math.Abs(expected - foundScale[group]) <= tolerance))
                    Assert.Fail($"{spec} scale {group}: found {foundScale[group]}, expected {expected}");
                if (foundZeroPoint is not null && !(Math.Abs((gradientScale * expectedZeroPoint[group]) - foundZeroPoint[group]) <= 1e-5 * (1 + scales[group])))
                    Assert.Fail($"{spec} zero point {group}: found {foundZeroPoint[group]}, expected {gradientScale * expectedZeroPoint[group]}");
            }
        }
    }

    /// <summary>Where a weight is clipped, rounding is a smooth function of scale and zero point, and the learned gradients are its derivatives.</summary>
    [Theory]
    [InlineData(GridKind.TwosComplement)]
    [InlineData(GridKind.HalfInteger)]
    [InlineData(GridKind.Affine)]
    public void Gradients_of_clipped_weights_agree_with_finite_differences(GridKind kind)
    {
        const float Scale = 0.125f, ZeroPoint = 5f, ScaleStep = 1f / 1024, ZeroPointStep = 1f;
        using DisposeScope scope = NewDisposeScope();
        float[] weights = [40f, -33f, 25.5f, -71f];
        float[] upstream = [1f, -2f, 0.5f, 3f];
        using Parameter weight = new(QuantizationCases.Matrix(weights, 1, 4));
        double Loss(float scale, float zeroPoint)
        {
            using FakeQuantizer moved = Quantizer(scale, zeroPoint);
            return moved.forward(weight.detach()).data<float>().ToArray().Zip(upstream, (value, g) => (double)value * g).Sum();
        }

        FakeQuantizer Quantizer(float scale, float zeroPoint)
        {
            using GroupScales given = new(tensor(new[] { scale }, [1, 1]), kind == GridKind.Affine ? tensor(new[] { zeroPoint }, [1, 1]) : null);
            return FakeQuantizer.Create("layer", new(4, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize(), null, kind), weight, given);
        }

        using FakeQuantizer quantizer = Quantizer(Scale, ZeroPoint);
        quantizer.forward(weight).backward([QuantizationCases.Matrix(upstream, 1, 4)]);

        double gradientScale = 1 / Math.Sqrt(weights.Length * 7.0);
        double slope = (Loss(Scale + ScaleStep, ZeroPoint) - Loss(Scale - ScaleStep, ZeroPoint)) / (2 * ScaleStep);
        Assert.Equal(gradientScale * slope, quantizer.LearnedParameter!.grad!.item<float>(), 1e-4);
        Assert.Equal([0f, 0f, 0f, 0f], weight.grad!.data<float>().ToArray());
        if (kind == GridKind.Affine)
        {
            double shift = (Loss(Scale, ZeroPoint + ZeroPointStep) - Loss(Scale, ZeroPoint - ZeroPointStep)) / (2 * ZeroPointStep);
            Assert.Equal(gradientScale * shift, quantizer.LearnedZeroPoint!.grad!.item<float>(), 1e-4);
        }
    }

    [Fact]
    public void Oscillation_dampening_adds_the_gradient_of_its_penalty_within_the_grid()
    {
        using DisposeScope scope = NewDisposeScope();
        float[] weights = [0.3f, 0.6f, -0.9f, 9f];
        using Parameter weight = new(QuantizationCases.Matrix(weights, 1, 4));
        using GroupScales given = new(tensor(new[] { 0.5f }, [1, 1]), null);
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize()) { OscillationDampening = 0.25f };
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, given);
        quantizer.forward(weight).backward([zeros(1, 4)]);

        // The penalty λ·(w − ŵ)² has the slope 2λ·(w − ŵ); levels are 0.5, 0.5 and −1, and the last weight is clipped.
        Assert.Equal([0.5 * (0.3 - 0.5), 0.5 * (0.6 - 0.5), 0.5 * (-0.9 + 1), 0], weight.grad!.data<float>().ToArray().Select(value => (double)value), new Close(1e-6));
    }

    private sealed class Close(double tolerance) : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) <= tolerance;

        public int GetHashCode(double value) => 0;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Gradients_add_up_over_backward_passes_and_reach_weights_that_are_no_leaf(bool learnsScale)
    {
        using DisposeScope scope = NewDisposeScope();
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerChannel(), learnsScale ? new SteVariant.LearnedStepSize() : new SteVariant.Standard());
        using Parameter weight = new(QuantizationCases.Matrix(Weights, Rows, Columns));
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.AbsMax);
        Tensor upstream = ones(Rows, Columns);
        quantizer.forward(weight).backward([upstream]);
        float[] once = weight.grad!.data<float>().ToArray();
        quantizer.forward(weight).backward([upstream]);
        Assert.Equal(once.Select(value => 2 * value), weight.grad!.data<float>().ToArray());

        using Parameter half = new(QuantizationCases.Matrix([.. Weights.Select(value => value / 2)], Rows, Columns));
        quantizer.forward(half + half).backward([upstream]);
        Assert.Equal(once.Select(value => 2 * value), half.grad!.data<float>().ToArray());
    }

    [Fact]
    public void Output_in_bfloat16_is_the_rounded_float32_output_and_takes_gradients()
    {
        using DisposeScope scope = NewDisposeScope();
        using Parameter weight = new(QuantizationCases.Matrix(Weights, Rows, Columns));
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", new(8, new QuantGranularity.PerBlock(16), new SteVariant.LearnedStepSize()), weight, ScaleMethod.AbsMax);
        Tensor expected = quantizer.forward(weight).to(ScalarType.BFloat16);
        quantizer.OutputType = ScalarType.BFloat16;
        Tensor output = quantizer.forward(weight);
        Assert.Equal(ScalarType.BFloat16, output.dtype);
        Assert.True(expected.equal(output).all().item<bool>());
        output.backward([ones(Rows, Columns, dtype: ScalarType.BFloat16)]);
        Assert.Equal(ScalarType.Float32, weight.grad!.dtype);
    }

    [Fact]
    public void Strength_blends_the_weight_with_its_rounding()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = QuantizationCases.Matrix(Weights, Rows, Columns);
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerChannel(), new SteVariant.Standard());
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.AbsMax);
        float[] rounded = quantizer.forward(weight).data<float>().ToArray();

        quantizer.Strength = 0f;
        Assert.Equal(Weights, quantizer.forward(weight).data<float>().ToArray());

        quantizer.Strength = 0.25f;
        float[] blended = quantizer.forward(weight).data<float>().ToArray();
        for (int i = 0; i < blended.Length; i++)
            Assert.Equal(Weights[i] + (0.25 * (rounded[i] - Weights[i])), blended[i], 1e-6);
    }

    [Theory]
    [InlineData(null, 1e3f)]
    [InlineData(null, -1e3f)]
    [InlineData(4, 1e30f)]
    [InlineData(4, -1e30f)]
    [InlineData(3, float.NaN)]
    [InlineData(null, float.PositiveInfinity)]
    [InlineData(null, float.NegativeInfinity)]
    public void The_learned_step_stays_positive_and_finite_whatever_the_update(int? piK, float update)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = QuantizationCases.Matrix(Weights, Rows, Columns);
        WeightQuantizationSpec spec = new(2, new QuantGranularity.PerBlock(5), new SteVariant.LearnedStepSize(), piK);
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.MinimumError);
        using (no_grad())
            quantizer.LearnedParameter!.add_(update);

        quantizer.EnforceInvariants();

        Assert.All(quantizer.LearnedParameter!.data<float>().ToArray(), alpha => Assert.True(alpha > 0 && float.IsFinite(alpha)));
        Assert.All(quantizer.CurrentScales(weight).Scales.data<float>().ToArray(), step => Assert.InRange(step, HalfScale.Floor, HalfScale.Ceiling));
        Assert.All(quantizer.forward(weight).data<float>().ToArray(), value => Assert.True(float.IsFinite(value)));
        Assert.NotEmpty(quantizer.Quantize(weight).DequantizeToArray());
    }

    [Fact]
    public void An_estimator_that_learns_no_scale_recomputes_it_from_the_weights()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = QuantizationCases.Matrix(Weights, Rows, Columns);
        foreach (bool symmetric in new[] { true, false })
        {
            WeightQuantizationSpec spec = new(4, new QuantGranularity.PerChannel(), new SteVariant.Standard(), null, symmetric ? GridKind.TwosComplement : GridKind.Affine);
            using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.MinimumError);
            Tensor found = quantizer.CurrentScales(weight).Scales;
            using GroupScales searched = ScaleSearch.Find(weight, GroupLayout.For(spec.Granularity, Rows, Columns), spec.Grid, ScaleMethod.MinimumError);

            Assert.Equal(searched.Scales.data<float>().ToArray(), found.data<float>().ToArray());
            Assert.Equal(found.mul(4f).data<float>().ToArray()[3..], quantizer.CurrentScales(weight.mul(4f)).Scales.data<float>().ToArray()[3..]);
        }
    }

    [Fact]
    public void Empty_and_single_weights_pass()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (WeightQuantizationSpec spec in QuantizationCases.All().Where(spec => spec.Bits == 2))
        {
            foreach ((int rows, int columns) in new[] { (0, 4), (4, 0), (0, 0) })
            {
                using Parameter empty = new(zeros(rows, columns));
                using FakeQuantizer none = FakeQuantizer.Create("layer", spec, empty, ScaleMethod.MinimumError);
                Tensor output = none.forward(empty);
                output.sum().backward();
                Assert.Equal([rows, columns], output.shape);
                Assert.Empty(none.Quantize(empty).DequantizeToArray());
            }

            using Tensor single = tensor(new[] { -0.5f }, [1, 1]);
            using FakeQuantizer one = FakeQuantizer.Create("layer", spec, single, ScaleMethod.MinimumError);
            // Of the four steps of a pi grid none need fit.
            Assert.Equal(-0.5, one.forward(single).item<float>(), spec.PiKPerChannel ? 0.1 : 0.0005);
        }
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.NegativeInfinity, "-Infinity")]
    public void A_weight_that_is_not_finite_is_refused_by_name_and_place(float bad, string text)
    {
        using Tensor weight = zeros(3, 4);
        weight[1, 2] = bad;
        WeightQuantizationSpec spec = new(4, new QuantGranularity.PerChannel(), new SteVariant.Standard());
        InputException error = Assert.Throws<InputException>(() => FakeQuantizer.Create("model.layers.0.mlp.up_proj", spec, weight, ScaleMethod.AbsMax));
        Assert.Equal(
            $"model.layers.0.mlp.up_proj.weight[1, 2]: found {text} (1 such values of 12), expected a finite number; "
            + "the weights are damaged, take them from their source again.",
            error.Message);
    }

    [Fact]
    public void Forward_leaves_one_tensor_and_backward_reaches_the_weight()
    {
        foreach (WeightQuantizationSpec spec in QuantizationCases.All().Where(spec => spec.Bits == 3))
        {
            using Parameter weight = new(QuantizationCases.Matrix(Weights, Rows, Columns));
            using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.AbsMax);
            using DisposeScope scope = NewDisposeScope();
            Tensor output = quantizer.forward(weight);
            Assert.Equal(1, scope.DisposablesCount);
            output.sum().backward();
            Assert.NotNull(weight.grad);
        }
    }

    /// <summary>∂ŵ/∂w and ∂ŵ/∂s of one weight by the formulas of docs/math.md §2 and §3.</summary>
    private static (double Weight, double Scale) Reference(WeightQuantizationSpec spec, float weight, float scale, int zeroPoint, float upstream)
    {
        float quotient = weight / scale;
        double offset = spec.Kind == GridKind.HalfInteger ? 0.5 : 0;
        double lowest = offset - zeroPoint;
        double highest = offset + (1 << spec.Bits) - 1 - zeroPoint;
        double level = Math.Clamp(Math.Round(quotient - offset, MidpointRounding.ToEven) + offset, lowest, highest);
        bool inRange = quotient >= lowest && quotient <= highest;
        return spec.Estimator switch
        {
            SteVariant.Standard => (1, 0),
            SteVariant.Clipped clipped => (Math.Abs(weight) <= clipped.ClipValue ? 1 : 0, 0),
            SteVariant.LearnedStepSize => (inRange ? 1 : 0, inRange ? level - quotient : level),
            SteVariant.Ewgs ewgs => (1 + (ewgs.Lambda * Math.Abs(weight - (level * scale))), 0),
            SteVariant.EwgsSigned signed => (1 + (signed.Delta * Math.Sign(upstream) * (weight - (level * scale)) / scale), 0),
            _ => throw new InvalidOperationException(),
        };
    }
}
